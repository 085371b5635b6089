import type { Library } from "bun:ffi";

/** Equal to ABI_VERSION in shim.c: raised together with every change of a signature below. */
export const ABI_VERSION = 2;

/**
 * The C functions as bun:ffi calls them. Every number travels as a double, which carries each integer up
 * to 2^53: a call with one costs 2 ns, with a 64-bit integer 13 (bench/micro/native.bench.ts); and an
 * `i32` argument of a function that `cc()` compiled arrives as garbage when the engine holds the number
 * as a double, as it does with most results of arithmetic. A `ptr` argument is always a view: bun:ffi
 * takes its address at the call, so no address is ever kept.
 */
export const SHIM_SYMBOLS = {
  mr_open: { args: [], returns: "f64" },
  mr_pread: { args: ["f64", "ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_pwrite: { args: ["f64", "ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_pwritev: { args: ["f64", "ptr", "f64", "f64"], returns: "f64" },
  mr_fdatasync: { args: ["f64"], returns: "f64" },
  mr_fsync: { args: ["f64"], returns: "f64" },
  mr_syncfs: { args: ["f64"], returns: "f64" },
  mr_ftruncate: { args: ["f64", "f64"], returns: "f64" },
  mr_fallocate: { args: ["f64", "f64", "f64", "f64"], returns: "f64" },
  mr_fadvise: { args: ["f64", "f64", "f64", "f64"], returns: "f64" },
  mr_sync_file_range: { args: ["f64", "f64", "f64", "f64"], returns: "f64" },
  mr_cachestat: { args: ["f64", "f64", "f64"], returns: "f64" },
  mr_resident_nowait: { args: ["f64", "f64", "f64"], returns: "f64" },
  mr_mmap: { args: ["f64", "f64"], returns: "f64" },
  mr_munmap: { args: ["f64", "f64"], returns: "f64" },
  mr_lock: { args: ["f64", "f64"], returns: "f64" },
  mr_dup: { args: ["f64"], returns: "f64" },
  mr_close: { args: ["f64"], returns: "f64" },
  mr_sendfile: { args: ["f64", "f64", "f64", "f64"], returns: "f64" },
  mr_send_head_and_file: { args: ["f64", "ptr", "f64", "f64", "f64", "f64"], returns: "f64" },
  mr_send: { args: ["f64", "ptr", "f64", "f64"], returns: "f64" },
  mr_recv: { args: ["f64", "ptr", "f64", "f64"], returns: "f64" },
  mr_recv_discard: { args: ["f64", "f64"], returns: "f64" },
  mr_set_option: { args: ["f64", "f64", "f64", "f64"], returns: "f64" },
  mr_get_option: { args: ["f64", "f64", "f64"], returns: "f64" },
  mr_shutdown: { args: ["f64", "f64"], returns: "f64" },
  mr_crc_kind: { args: ["f64"], returns: "f64" },
  mr_crc32c: { args: ["ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_crc32c_pieces: { args: ["ptr", "f64", "f64"], returns: "f64" },
  mr_scan_batch: { args: ["ptr", "f64", "ptr", "f64"], returns: "f64" },
  mr_scan_batch_pieces: { args: ["ptr", "f64", "ptr", "f64"], returns: "f64" },
  mr_scan_run: { args: ["ptr", "f64", "f64", "ptr", "f64", "f64"], returns: "f64" },
} as const;

type Loaded = Library<typeof SHIM_SYMBOLS>["symbols"];

/** The loaded functions. Nobody but ShimNative calls them: it asserts what they trust. */
export type ShimSymbols = {
  readonly [Name in keyof Loaded]: (...args: Parameters<Loaded[Name]>) => number;
};
