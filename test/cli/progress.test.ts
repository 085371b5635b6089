import { expect, test } from "bun:test";
import type { Terminal } from "../../engine/cli/command.ts";
import { Progress } from "../../engine/cli/progress.ts";
import { ManualClock } from "../support/manual_clock.ts";

function terminal(interactive: boolean): Terminal & { readonly drawn: string[] } {
  const drawn: string[] = [];
  return {
    drawn,
    interactive,
    out: () => expect.unreachable("progress belongs to standard error"),
    error: (text) => void drawn.push(text),
    drained: () => Promise.resolve(),
  };
}

test("is drawn now and then, and wiped in the end", () => {
  const clock = new ManualClock();
  const screen = terminal(true);
  const progress = new Progress("checking", screen, clock);
  for (let done = 0; done <= 1_000; done++) {
    progress.update(done, 1_000, "bytes");
    clock.advance(1);
  }
  progress.end();
  expect(screen.drawn.length).toBe(12);
  expect(screen.drawn[0]).toContain(`checking [${"-".repeat(24)}] 0 %`);
  expect(screen.drawn[5]).toContain(`checking [${"#".repeat(12)}${"-".repeat(12)}] 50 %`);
  expect(screen.drawn.at(-1)).toBe("\r\x1b[K");
});

test("counts where nobody knows the whole", () => {
  const screen = terminal(true);
  const progress = new Progress("producing", screen, new ManualClock());
  progress.update(4_096, 0, "bytes");
  expect(screen.drawn[0]).toContain("4096 bytes");
});

test("is nothing where nobody looks", () => {
  const pipe = terminal(false);
  const progress = new Progress("checking", pipe, new ManualClock());
  progress.update(1, 2, "bytes");
  progress.end();
  expect(pipe.drawn).toEqual([]);
});
