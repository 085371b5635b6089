/** Facts about this machine and its processes, read from /proc, and the touching of memory before a slice. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { buildProgram, compilerVersion } from "./native_build.ts";

/** Touched before each slice that writes: more than a slice keeps in the page cache. */
const TOUCH_MIB = 3072;
/** Of the memory that is available, the most that touching takes: others may be using the machine. */
const TOUCH_SHARE = 0.4;

export interface ProcessMemory {
  readonly residentMib: number;
  readonly anonymousMib: number;
}

function field(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text);
  return match === null ? 0 : Number(match[1]);
}

export function processMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return { residentMib: field(status, "VmRSS") / 1024, anonymousMib: field(status, "RssAnon") / 1024 };
}

/** CPU seconds (user and system, all threads) of a process so far; ticks of 10 ms. */
export function processCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Makes the host back some memory, so that the slice that follows does not pay for it. */
export function touchMemory(): void {
  const available = field(readFileSync("/proc/meminfo", "latin1"), "MemAvailable") / 1024;
  const mib = Math.floor(Math.min(TOUCH_MIB, available * TOUCH_SHARE));
  Bun.spawnSync([buildProgram("touch_memory"), "--mib", String(mib)]);
}

export interface MachineFacts {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly bun: string;
  readonly compiler: string | null;
  readonly revision: string;
  readonly date: string;
}

export function machineFacts(): MachineFacts {
  const revision = Bun.spawnSync(["git", "describe", "--always", "--dirty"], { cwd: import.meta.dir });
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: cpus().length,
    memoryGib: Math.round(field(readFileSync("/proc/meminfo", "latin1"), "MemTotal") / 1024 / 1024),
    kernel: readFileSync("/proc/sys/kernel/osrelease", "latin1").trim(),
    bun: Bun.version,
    compiler: compilerVersion(),
    revision: revision.success ? revision.stdout.toString().trim() : "unknown",
    date: new Date().toISOString(),
  };
}
