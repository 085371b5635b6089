/**
 * Programs under test: started, watched by their output, ended by process id.
 */
import type { Subprocess } from "bun";

/** Of the output only the end is kept: a broker that logs for minutes must not fill the memory. */
const OUTPUT_KEPT_MAX = 1 << 20;

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: "pipe" | "ignore";
}

interface Watcher {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A running program whose standard output and error are gathered into one text.
 *
 * Owner: whoever started it calls `stop` or `kill`; tests call `killAll` in `afterAll`
 * (bun test ends without exit handlers).
 */
export class Program {
  readonly command: readonly string[];
  readonly #child: Subprocess<"pipe" | "ignore", "pipe", "pipe">;
  readonly #watchers = new Set<Watcher>();
  readonly #drained: Promise<unknown>;
  #output = "";

  static readonly #running = new Set<Program>();

  static start(command: readonly string[], options: StartOptions = {}): Program {
    return new Program(command, options);
  }

  /** For `afterAll` and exit handlers: ends what this process started and a failure left running. */
  static async killAll(): Promise<void> {
    const left = [...Program.#running];
    for (const program of left) program.#child.kill("SIGKILL");
    await Promise.all(left.map((program) => program.exited));
  }

  private constructor(command: readonly string[], options: StartOptions) {
    this.command = command;
    this.#child = Bun.spawn([...command], {
      stdin: options.stdin ?? "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    Program.#running.add(this);
    this.#drained = Promise.all([this.#follow(this.#child.stdout), this.#follow(this.#child.stderr)]);
    void this.#child.exited.then(() => this.#ended());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Standard output and error as they came, at most the last megabyte. */
  get output(): string {
    return this.#output;
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves with the first match of `pattern` in the output; rejects when the program ends first. */
  async waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    const seen = pattern.exec(this.#output);
    if (seen !== null) return seen;
    if (this.hasExited) throw new Error(this.#complaint("ended early"));
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const watcher = { pattern, resolve, reject };
    this.#watchers.add(watcher);
    const timer = setTimeout(() => {
      reject(new Error(this.#complaint(`said nothing like ${pattern} in ${timeoutMs} ms`)));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, then the exit code; SIGKILL and an error when it takes longer than `timeoutMs`. */
  async stop(timeoutMs = 30_000): Promise<number> {
    this.#child.kill("SIGTERM");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill("SIGKILL");
    }, timeoutMs);
    const code = await this.#child.exited;
    clearTimeout(timer);
    await this.#drained;
    if (late) throw new Error(this.#complaint(`did not stop in ${timeoutMs} ms`));
    return code;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#output += decoder.decode(chunk, { stream: true });
      if (this.#output.length > OUTPUT_KEPT_MAX) this.#output = this.#output.slice(-OUTPUT_KEPT_MAX / 2);
      for (const watcher of this.#watchers) {
        const match = watcher.pattern.exec(this.#output);
        if (match !== null) watcher.resolve(match);
      }
    }
  }

  async #ended(): Promise<void> {
    Program.#running.delete(this);
    await this.#drained;
    for (const watcher of this.#watchers) watcher.reject(new Error(this.#complaint("ended early")));
  }

  #complaint(what: string): string {
    const end = this.#output.slice(-4_000);
    return `${this.command.slice(0, 6).join(" ")} ... ${what} (exit ${this.#child.exitCode})\n${end}`;
  }
}

process.on("exit", () => void Program.killAll());

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function run(
  command: readonly string[],
  options: { readonly input?: string | Uint8Array; readonly cwd?: string; readonly env?: Record<string, string | undefined>; readonly timeoutMs?: number } = {},
): Promise<RunResult> {
  const child = Bun.spawn([...command], {
    stdin: options.input === undefined ? "ignore" : Buffer.from(options.input),
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return { code, stdout, stderr };
}

/** Like `run`, but a failure is an error that shows what the program said. */
export async function mustRun(...[command, options]: Parameters<typeof run>): Promise<RunResult> {
  const result = await run(command, options);
  if (result.code !== 0) {
    const said = `${result.stdout.slice(-3_000)}\n${result.stderr.slice(-3_000)}`;
    throw new Error(`${command.join(" ").slice(0, 300)}: exit ${result.code}\n${said}`);
  }
  return result;
}

export function hasProgram(name: string): boolean {
  return Bun.which(name) !== null;
}

/** A port that was free a moment ago, for programs that cannot pick one themselves. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const port = listener.port;
  listener.stop(true);
  return port;
}
