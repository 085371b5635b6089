import type { Library } from "bun:ffi";

/** Equal to ABI_VERSION in shim.c: raised together with every change of a signature below. */
export const ABI_VERSION = 1;

/**
 * The C functions as bun:ffi calls them. Numbers travel as doubles, which carry every integer up to
 * 2^53 three times as fast as 64-bit integers do (bench/micro/native.bench.ts). A `ptr` argument is
 * always a view: bun:ffi takes its address at the call, so no address is ever kept.
 */
export const SHIM_SYMBOLS = {
  mr_open: { args: [], returns: "f64" },
  mr_pread: { args: ["i32", "ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_pwrite: { args: ["i32", "ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_pwritev: { args: ["i32", "ptr", "i32", "f64"], returns: "f64" },
  mr_fdatasync: { args: ["i32"], returns: "f64" },
  mr_fsync: { args: ["i32"], returns: "f64" },
  mr_syncfs: { args: ["i32"], returns: "f64" },
  mr_ftruncate: { args: ["i32", "f64"], returns: "f64" },
  mr_fallocate: { args: ["i32", "i32", "f64", "f64"], returns: "f64" },
  mr_fadvise: { args: ["i32", "f64", "f64", "i32"], returns: "f64" },
  mr_sync_file_range: { args: ["i32", "f64", "f64", "i32"], returns: "f64" },
  mr_cachestat: { args: ["i32", "f64", "f64"], returns: "f64" },
  mr_resident_nowait: { args: ["i32", "f64", "f64", "f64"], returns: "f64" },
  mr_mmap: { args: ["i32", "f64"], returns: "f64" },
  mr_munmap: { args: ["f64", "f64"], returns: "f64" },
  mr_lock: { args: ["i32", "i32"], returns: "f64" },
  mr_dup: { args: ["i32"], returns: "f64" },
  mr_close: { args: ["i32"], returns: "f64" },
  mr_sendfile: { args: ["i32", "i32", "f64", "f64"], returns: "f64" },
  mr_send_head_and_file: { args: ["i32", "ptr", "f64", "i32", "f64", "f64"], returns: "f64" },
  mr_send: { args: ["i32", "ptr", "f64", "f64"], returns: "f64" },
  mr_recv: { args: ["i32", "ptr", "f64", "f64"], returns: "f64" },
  mr_recv_discard: { args: ["i32", "f64"], returns: "f64" },
  mr_set_option: { args: ["i32", "i32", "i32", "i32"], returns: "f64" },
  mr_get_option: { args: ["i32", "i32", "i32"], returns: "f64" },
  mr_shutdown: { args: ["i32", "i32"], returns: "f64" },
  mr_crc_kind: { args: ["i32"], returns: "f64" },
  mr_crc32c: { args: ["ptr", "f64", "f64", "f64"], returns: "f64" },
  mr_crc32c_pieces: { args: ["ptr", "i32", "f64"], returns: "f64" },
  mr_scan_batch: { args: ["ptr", "i32", "ptr", "f64"], returns: "f64" },
  mr_scan_batch_pieces: { args: ["ptr", "i32", "ptr", "i32"], returns: "f64" },
  mr_scan_run: { args: ["ptr", "f64", "f64", "ptr", "i32", "i32"], returns: "f64" },
} as const;

/** The loaded functions. Nobody but ShimNative calls them: it asserts what they trust. */
export type ShimSymbols = Library<typeof SHIM_SYMBOLS>["symbols"];
