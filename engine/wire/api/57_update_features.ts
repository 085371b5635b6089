/**
 * UpdateFeatures (57): finalizes feature levels of the cluster (KIP-584).
 *
 * Versions 0-2, flexible always; the kind of upgrade and dry runs from 1 (KIP-778); results for
 * single features up to 1.
 */
import { array, bool, int16, int32, int8, message, nullableString, string } from "../schema.ts";

export const updateFeaturesRequest = message({
  name: "UpdateFeaturesRequest",
  apiKey: 57,
  type: "request",
  versions: "0-2",
  flexible: "0+",
  listeners: ["broker", "controller"],
  fields: () => ({
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ versions: "0" }),
      upgradeType: int8({ versions: "1+", default: 1 }),
    }),
    validateOnly: bool({ versions: "1+", default: false }),
  }),
});

export const updateFeaturesResponse = message({
  name: "UpdateFeaturesResponse",
  apiKey: 57,
  type: "response",
  versions: "0-2",
  flexible: "0+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    results: array(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: nullableString(),
      },
      { versions: "0-1", ignorable: true },
    ),
  }),
});
