import { ErrorCode, errorName } from "./error_code.ts";

/**
 * A failure with a code of the Kafka protocol and a sentence for people. What a layer throws or
 * rejects with when the world, not the program, is at fault. `code` is the code's name, so that a
 * caller can write `error.code === "OFFSET_OUT_OF_RANGE"`; `errorCode` is the number on the wire.
 */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  readonly errorCode: ErrorCode;
  readonly code: string;

  constructor(errorCode: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.errorCode = errorCode;
    this.code = errorName(errorCode);
  }
}

/** What went wrong at the disk, where, and at which step. Latched: see io/disk. */
export class DiskFault extends KafkaError {
  readonly stage: string;
  readonly path: string;
  /** The system's name for it: "EIO", "ENOSPC", "EDQUOT", "EROFS" ... */
  readonly systemCode: string;

  constructor(stage: string, path: string, systemCode: string, cause?: unknown) {
    super(ErrorCode.KAFKA_STORAGE_ERROR, `${stage} ${path}: ${systemCode}`, cause);
    this.stage = stage;
    this.path = path;
    this.systemCode = systemCode;
  }
}

/** The user asked for something that cannot be: one line that says what to do. Exit code 1 in the CLI. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "USAGE";
}

/** The data directory cannot be used as it is: locked, foreign, newer, read-only, damaged. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
  readonly code: "LOCKED" | "FOREIGN" | "NEWER_FORMAT" | "READ_ONLY" | "DAMAGED";

  constructor(code: DataDirectoryError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
