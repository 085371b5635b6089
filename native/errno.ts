/** Error numbers as Linux has them; the native surface speaks these on every platform. */
const NUMBERS: Readonly<Record<string, number>> = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  EOVERFLOW: 75,
  EBADFD: 77,
  ENOTSOCK: 88,
  EOPNOTSUPP: 95,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETIMEDOUT: 110,
  EHOSTUNREACH: 113,
  ESTALE: 116,
  EUCLEAN: 117,
  EREMOTEIO: 121,
  EDQUOT: 122,
};

const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));

export const EPERM = 1;
export const EAGAIN = 11;
export const EACCES = 13;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EPIPE = 32;
export const ENOSYS = 38;
export const EOPNOTSUPP = 95;
export const EDQUOT = 122;

/** "ENOSPC" for a result of -28 (or for 28); "errno 999" for a number without a name. */
export function errnoName(result: number): string {
  const number = Math.abs(result);
  return NAMES.get(number) ?? `errno ${number}`;
}

/** The negative error number for a system error of node:fs; -EIO when it has no known name. */
export function errnoOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  return -((typeof code === "string" ? NUMBERS[code] : undefined) ?? NUMBERS["EIO"]!);
}

/** A refused system call, for the few calls whose result is not a number. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  /** "ENOMEM" and the like. */
  readonly code: string;

  constructor(call: string, result: number) {
    super(`${call}: ${errnoName(result)}`);
    this.code = errnoName(result);
  }
}
