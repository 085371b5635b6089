/**
 * ApiVersions (18), versions 0-4: which APIs are served in which versions, and which features the cluster
 * has finalized.
 *
 * - The answer always carries response header version 0 (KIP-511).
 * - A version that is not served gets the body of version 0 with UNSUPPORTED_VERSION and ApiVersions
 *   alone; the request body is not looked at.
 * - From version 3 the client names its software; a name or version that is not a plain word gets
 *   INVALID_REQUEST and no keys.
 * - Supported features whose lowest level is 0 are left out below version 4 (old clients refuse them);
 *   finalized features of level 0 are left out always. So are those that a Kafka finalized in this
 *   directory and that are not served here: a client that sees them uses them.
 */
import { SERVED_FEATURES } from "../../metadata/record_versions.ts";
import { ErrorCode } from "../../model/error_code.ts";
import { apiVersionsRequest, apiVersionsResponse } from "../../wire/api/18_api_versions.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { MessageReply, servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

const SOFTWARE_WORD = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const SOFTWARE_SINCE_VERSION = 3;
const ZERO_LEVELS_SINCE_VERSION = 4;

const API_VERSIONS = findApi(apiVersionsRequest.apiKey)!;

export const apiVersions = servedApi(API_VERSIONS, apiVersionsRequest, apiVersionsResponse, handle);

export function answerUnsupportedVersion(call: Call): void {
  const { first, last } = API_VERSIONS.versions;
  call.answer(new MessageReply(apiVersionsResponse, {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: API_VERSIONS.key, minVersion: first, maxVersion: last }],
  }));
}

function handle(
  request: ValueOf<typeof apiVersionsRequest>,
  call: Call,
): AnswerOf<typeof apiVersionsResponse> {
  const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
  const isNamed = SOFTWARE_WORD.test(name) && SOFTWARE_WORD.test(version);
  if (call.version >= SOFTWARE_SINCE_VERSION && !isNamed) {
    return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
  }
  const apiKeys = call.services.apis.map(({ api }) => ({
    apiKey: api.key,
    minVersion: api.advertisedVersions.first,
    maxVersion: api.advertisedVersions.last,
  }));
  return { errorCode: ErrorCode.NONE, apiKeys, ...features(call) };
}

function features(call: Call) {
  const { image } = call.services.store;
  const supported = [...SERVED_FEATURES]
    .filter(([, { min }]) => min > 0 || call.version >= ZERO_LEVELS_SINCE_VERSION)
    .map(([name, { min, max }]) => ({ name, minVersion: min, maxVersion: max }));
  const finalized = [...image.features]
    .filter(([name, level]) => level > 0 && SERVED_FEATURES.has(name))
    .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }));
  return {
    supportedFeatures: supported,
    finalizedFeatures: finalized,
    finalizedFeaturesEpoch: image.position.offset,
  };
}
