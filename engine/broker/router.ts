import { readInt16, readInt32 } from "../base/int64.ts";
import { findApi, isSupported, requestHeaderVersion } from "../wire/apis.ts";
import type { Api } from "../wire/apis.ts";
import type { Frame } from "../wire/frame_splitter.ts";
import { Reader } from "../wire/reader.ts";
import { internString } from "../wire/string_cache.ts";
import { WireError } from "../wire/wire_error.ts";
import { FRAME_PREFIX_BYTES } from "../wire/wire_limits.ts";
import { Call, failCall } from "./call.ts";
import type { Caller, ServedApi, Services } from "./call.ts";
import { answerUnsupportedVersion } from "./handlers/api_versions.ts";

/** Key, version and correlation id: what every header starts with. */
const HEADER_BYTES_MIN = 8;
const API_VERSIONS = 18;
const TAGGED_SINCE = 2;
/** A header is small: a client id and tagged fields. */
const HEADER_HEAP_BYTES_MAX = 64 * 1024;

/**
 * Router: from a frame to the handler of its API key.
 *
 * An unknown key, a version that is not served and a header that does not parse end the connection:
 * the protocol has no answer for them (WireError). Only ApiVersions is answered in any version, in the
 * form of version 0, so that the client can come down to a common one.
 */
export class Router {
  readonly #services: Services;
  readonly #served: (ServedApi | undefined)[] = [];
  /** Where the body of the frame at hand starts. */
  #bodyAt = 0;

  constructor(services: Services) {
    this.#services = services;
    for (const served of services.apis) this.#served[served.api.key] = served;
  }

  isPipelined(apiKey: number): boolean {
    return this.#served[apiKey]?.isPipelined ?? false;
  }

  /** Null: the connection was ended. Throws WireError for bad bytes. */
  dispatch(caller: Caller, frame: Frame): Call | null {
    const { bytes, start, end } = frame;
    if (end - start < HEADER_BYTES_MIN) throw new WireError("TRUNCATED", "request without a header");
    const apiKey = readInt16(bytes, start);
    const version = readInt16(bytes, start + 2);
    const api = findApi(apiKey);
    const served = this.#served[apiKey];
    if (api === undefined || served === undefined) {
      throw new WireError("UNKNOWN_API", `request with API key ${apiKey}, which is not served`);
    }
    const isSupportedVersion = isSupported(api, version) && version <= api.advertisedVersions.last;
    if (!isSupportedVersion && apiKey !== API_VERSIONS) {
      throw new WireError("UNSUPPORTED_VERSION", `${api.name} request of version ${version}`);
    }
    const clientId = this.#readHeaderRest(frame, headerVersion(api, version));
    const call = new Call(this.#services, caller, {
      api,
      version: isSupportedVersion ? version : 0,
      correlationId: readInt32(bytes, start + 4),
      clientId,
      frameBytes: frame.length + FRAME_PREFIX_BYTES,
      pieces: frame.rest,
    });
    if (!isSupportedVersion) {
      answerUnsupportedVersion(call);
      return call;
    }
    try {
      served.serve(call, frame, this.#bodyAt);
      return call;
    } catch (error) {
      if (error instanceof WireError) throw error;
      failCall(call, error);
      return null;
    }
  }

  /**
   * What follows the correlation id: the client id, and tagged fields in version 2. By hand, because every
   * request has it; wire/headers.ts is the declaration. The header lies whole in the frame's first piece.
   */
  #readHeaderRest({ bytes, start, end }: Frame, headerVersion: number): string | null {
    let at = start + HEADER_BYTES_MIN;
    if (at + 2 > end) truncated();
    const length = readInt16(bytes, at);
    at += 2;
    if (length < -1) throw new WireError("MALFORMED", `request header: client id of ${length} bytes`);
    const clientId = length < 0 ? null : internString(bytes, at, length <= end - at ? length : truncated());
    at += Math.max(length, 0);
    if (headerVersion >= TAGGED_SINCE) {
      // There are none, ever; but there may be.
      at = bytes[at] === 0 && at < end
        ? at + 1
        : new Reader(bytes, start, end, HEADER_HEAP_BYTES_MAX).skipTags(at, "request header");
    }
    this.#bodyAt = at;
    return clientId;
  }
}

function truncated(): never {
  throw new WireError("TRUNCATED", "request header: bytes end inside the client id");
}

/** A version above those known is taken for a flexible one, a negative one for the first. */
function headerVersion(api: Api, version: number): number {
  return requestHeaderVersion(api, Math.min(Math.max(version, 0), api.versions.last));
}
