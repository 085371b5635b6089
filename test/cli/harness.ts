/** The command line as a process, against a broker of this process on a free port. */
import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../../engine/embed/index.ts";
import type { EmbeddedBroker } from "../../engine/embed/index.ts";

export const MAIN = join(import.meta.dir, "../../engine/cli/main.ts");

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs one command to its end. */
export async function millrace(args: readonly string[], input: string | Uint8Array = ""): Promise<Outcome> {
  const { code, out, error } = await millraceBytes(args, input);
  return { code, out: new TextDecoder().decode(out), error };
}

export async function millraceBytes(
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Omit<Outcome, "out"> & { readonly out: Uint8Array }> {
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    stdin: typeof input === "string" ? new TextEncoder().encode(input) : input,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, error };
}

/** What a command that must succeed printed. */
export async function printed(args: readonly string[], input: string | Uint8Array = ""): Promise<string> {
  const { code, error, out } = await millrace(args, input);
  if (code !== 0 || error !== "") throw new Error(`millrace ${args.join(" ")}: exit ${code}\n${error}`);
  return out;
}

export interface CliWorld {
  readonly root: string;
  readonly dataDir: string;
  readonly broker: EmbeddedBroker;
  /** `--bootstrap-server HOST:PORT` */
  readonly at: readonly string[];
}

/** A folder and a broker for the tests of one file. */
export function cliWorld(properties: Readonly<Record<string, string>> = {}): CliWorld {
  const root = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  const dataDir = join(root, "data");
  let broker: EmbeddedBroker | null = null;
  beforeAll(async () => {
    broker = await startBroker({ dir: dataDir, port: 0, flush: "os", properties });
  });
  afterAll(async () => {
    await broker?.close();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    root,
    dataDir,
    get broker() {
      return broker!;
    },
    get at() {
      return ["--bootstrap-server", `127.0.0.1:${broker!.port}`];
    },
  };
}
