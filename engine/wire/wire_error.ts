/**
 * Why bytes or a value could not cross the wire:
 *
 *   TRUNCATED            the bytes end inside the message
 *   MALFORMED            a length, count, tag or null where the schema allows none
 *   TOO_LARGE            a frame above its limit, or a message above its heap budget
 *   UNKNOWN_API          an api key that names nothing
 *   UNSUPPORTED_VERSION  a version outside the message's range
 *   UNSUPPORTED_FIELD    encoding: a value that the chosen version cannot express
 *
 * Decoding throws nothing else, whatever the bytes. A connection that caused one is closed, except
 * where the protocol has a better answer (ApiVersions of an unknown version).
 */
export type WireErrorCode =
  | "TRUNCATED"
  | "MALFORMED"
  | "TOO_LARGE"
  | "UNKNOWN_API"
  | "UNSUPPORTED_VERSION"
  | "UNSUPPORTED_FIELD";

export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
