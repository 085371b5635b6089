/**
 * ApiVersions (18): which APIs in which versions, and which features.
 *
 * Versions 0-4, flexible from 3, but the response header never is (KIP-511). From 3 the client says
 * what it is, and the answer tells features (KIP-584); from 4 features whose range starts at 0 may
 * be told. A version that is unknown is answered in version 0, with UNSUPPORTED_VERSION and this
 * API's own range alone.
 */
import { array, bool, int16, int32, int64, message, string } from "../schema.ts";

export const apiVersionsRequest = message({
  name: "ApiVersionsRequest",
  apiKey: 18,
  type: "request",
  versions: "0-4",
  flexible: "3+",
  listeners: ["broker", "controller"],
  fields: () => ({
    clientSoftwareName: string({ versions: "3+", ignorable: true }),
    clientSoftwareVersion: string({ versions: "3+", ignorable: true }),
  }),
});

export const apiVersionsResponse = message({
  name: "ApiVersionsResponse",
  apiKey: 18,
  type: "response",
  versions: "0-4",
  flexible: "3+",
  fields: () => ({
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      { versions: "3+", tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: "3+", default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      { versions: "3+", tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ versions: "3+", default: false, tag: 3, ignorable: true }),
  }),
});
