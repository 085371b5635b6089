/**
 * One slice: what a generator (or a floor that needs none) measured in one window, and the figures derived
 * from it. A report is made of slices only, so that every figure can be traced to them.
 */

export interface Latency {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The JSON object that the generator and the floors without a socket print. */
export interface Measured {
  readonly seconds: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond?: number;
  readonly generatorCpuSeconds?: number;
  readonly brokerUserSeconds?: number;
  readonly brokerSystemSeconds?: number;
  readonly residentKib?: number;
  readonly busySeconds?: number;
  readonly stealSeconds?: number;
  readonly errors?: number;
  readonly errorCodes?: Readonly<Record<string, number>>;
  readonly firstProblem?: string;
  readonly latencyUs: Latency;
  readonly latenessUs?: Latency;
}

export interface Slice {
  readonly target: string;
  readonly round: number;
  readonly measured: Measured;
  /** Why the slice does not count, or null. */
  readonly thrownOut: string | null;
}

export interface Figures {
  readonly megabytesPerSecond: number;
  readonly requestsPerSecond: number;
  /** CPU of the broker for a GiB of batches; NaN where it is not measured. */
  readonly cpuSecondsPerGib: number;
  readonly cpuUsPerRequest: number;
  readonly generatorCores: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly residentMib: number;
}

const GIB = 2 ** 30;

export function figuresOf(measured: Measured): Figures {
  const broker = (measured.brokerUserSeconds ?? Number.NaN) + (measured.brokerSystemSeconds ?? Number.NaN);
  const megabytes = measured.megabytesPerSecond ?? Number.NaN;
  const bytes = megabytes * 1e6 * measured.seconds;
  return {
    megabytesPerSecond: megabytes,
    requestsPerSecond: measured.requestsPerSecond,
    cpuSecondsPerGib: broker / (bytes / GIB),
    cpuUsPerRequest: (broker * 1e6) / measured.requests,
    generatorCores: (measured.generatorCpuSeconds ?? Number.NaN) / measured.seconds,
    p50Us: measured.latencyUs.p50,
    p99Us: measured.latencyUs.p99,
    p999Us: measured.latencyUs.p999,
    residentMib: (measured.residentKib ?? Number.NaN) / 1024,
  };
}

export interface RejectRule {
  /** Of all processors' time in the window, the most that the host may have taken away. */
  readonly stealShareMax: number;
  /** Likewise, the most that processes other than broker and generator may have used. */
  readonly foreignShareMax: number;
  readonly processors: number;
}

export function foreignShare(measured: Measured, processors: number): number {
  if (measured.busySeconds === undefined) return 0;
  const own =
    (measured.brokerUserSeconds ?? 0) +
    (measured.brokerSystemSeconds ?? 0) +
    (measured.generatorCpuSeconds ?? 0);
  return Math.max(0, measured.busySeconds - own) / (measured.seconds * processors);
}

/** The stated rule by which slices are thrown out; errors always do it. */
export function reasonToThrowOut(measured: Measured, rule: RejectRule): string | null {
  if ((measured.errors ?? 0) > 0) {
    return `${measured.errors} errors: ${measured.firstProblem} ${JSON.stringify(measured.errorCodes)}`;
  }
  const steal = (measured.stealSeconds ?? 0) / (measured.seconds * rule.processors);
  if (steal > rule.stealShareMax) return `steal ${(steal * 100).toFixed(1)} %`;
  const foreign = foreignShare(measured, rule.processors);
  if (foreign > rule.foreignShareMax) return `other processes ${(foreign * 100).toFixed(0)} %`;
  return null;
}
