import { loadNative, type Native, type NativeBuild } from "../../native/native.ts";

/** Every build of the native surface, or why this machine has none. */
export interface BuildUnderTest {
  readonly name: NativeBuild;
  readonly native: Native | null;
  readonly missing: string;
}

export const BUILDS: readonly BuildUnderTest[] = (["cc", "tcc", "off"] as const).map((name) => {
  try {
    return { name, native: loadNative(name), missing: "" };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ShimUnavailable") throw error;
    return { name, native: null, missing: error.message };
  }
});
