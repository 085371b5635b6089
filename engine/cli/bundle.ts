/**
 * Bundles main.ts into one file, so that a start reads one file and not a hundred. Started by
 * launcher.mjs, which names the bundle after the state of the sources:
 *
 *   bun engine/cli/bundle.ts OUT_FILE
 *
 * Packages stay outside (they carry native libraries), and every source keeps knowing its own folder:
 * native/ reads C sources that lie beside it.
 */
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BunPlugin } from "bun";

/** `import.meta` of a bundle is the bundle's: put in what the source would have seen. */
const KEEP_SOURCE_PATHS: BunPlugin = {
  name: "keep-source-paths",
  setup(build) {
    build.onLoad({ filter: /\/(engine|native)\/.*\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      const contents = text
        .replaceAll(/\bimport\.meta\.(dir|dirname)\b/g, JSON.stringify(dirname(path)))
        .replaceAll(/\bimport\.meta\.url\b/g, JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: "ts" };
    });
  },
};

async function bundle(outFile: string): Promise<void> {
  const folder = dirname(outFile);
  const work = `${folder}.${process.pid}`;
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, "main.ts")],
    outdir: work,
    target: "bun",
    packages: "external",
    minify: { whitespace: true, syntax: true },
    // Saves parsing: a third of the processor time to the ready line. Bytecode wants CommonJS, and falls
    // back to the source beside it under another version of Bun.
    format: "cjs",
    bytecode: true,
    plugins: [KEEP_SOURCE_PATHS],
  });
  if (!result.success) throw new AggregateError(result.logs, "bundling failed");
  try {
    renameSync(work, folder); // another start may have been first: then its bundle is as good
  } catch {
    rmSync(work, { recursive: true, force: true });
  }
  removeOthers(folder);
}

/** Bundles of earlier states of the sources are of no more use. */
function removeOthers(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    if (name === basename(folder) || name.includes(".")) continue;
    rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}

const outFile = process.argv[2];
if (outFile === undefined) throw new Error("usage: bun engine/cli/bundle.ts OUT_FILE");
mkdirSync(dirname(dirname(outFile)), { recursive: true });
await bundle(outFile);
