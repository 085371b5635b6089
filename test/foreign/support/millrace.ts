/**
 * Millrace as a process of its own: `millrace serve` on a free port, and the other commands.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Program, type RunResult, run } from "./process.ts";

const ROOT = join(import.meta.dir, "../../..");
export const MAIN = join(ROOT, "engine/cli/main.ts");
const READY_TIMEOUT_MS = 30_000;

/** False only in a tree whose broker is not whole yet. */
export function hasMillrace(): boolean {
  return [MAIN, join(ROOT, "engine/store/store.ts"), join(ROOT, "engine/broker/broker.ts")].every(existsSync);
}

export interface ServeOptions {
  readonly dataDir: string;
  /** After `serve --port 0 --dir DIR`. */
  readonly args?: readonly string[];
  /** Put before the command: strace and the like. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class Millrace {
  readonly dataDir: string;
  readonly port: number;
  readonly #program: Program;

  static async start(options: ServeOptions): Promise<Millrace> {
    const command = [
      ...(options.wrapper ?? []),
      ...[process.execPath, MAIN, "serve", "--port", "0", "--dir", options.dataDir],
      ...(options.args ?? []),
    ];
    const program = Program.start(command, options.env === undefined ? {} : { env: options.env });
    try {
      const ready = await program.waitFor(/127\.0\.0\.1:(\d+)/, READY_TIMEOUT_MS);
      return new Millrace(options.dataDir, Number(ready[1]), program);
    } catch (error) {
      await program.kill();
      throw error;
    }
  }

  private constructor(dataDir: string, port: number, program: Program) {
    this.dataDir = dataDir;
    this.port = port;
    this.#program = program;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get log(): string {
    return this.#program.output;
  }

  get hasExited(): boolean {
    return this.#program.hasExited;
  }

  get exited(): Promise<number> {
    return this.#program.exited;
  }

  /** SIGTERM; anything but exit code 0 is an error. */
  async stop(): Promise<void> {
    const code = await this.#program.stop();
    if (code !== 0) throw new Error(`millrace serve ended with ${code}\n${this.log.slice(-3_000)}`);
  }

  async kill(): Promise<void> {
    await this.#program.kill();
  }
}

/** One of the commands, for example `millrace(["check", dir])`. */
export function millrace(args: readonly string[], input?: string | Uint8Array): Promise<RunResult> {
  return run([process.execPath, MAIN, ...args], input === undefined ? {} : { input });
}

/** Every problem that `millrace check` finds in a directory; empty when it is sound. */
export async function problemsIn(dataDir: string): Promise<string> {
  const result = await millrace(["check", dataDir]);
  return result.code === 0 ? "" : `exit ${result.code}\n${result.stdout}${result.stderr}`;
}
