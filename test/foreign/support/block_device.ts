/**
 * File systems on loop devices, whose device can be copied at one instant while they are mounted: the
 * image lies on an XFS of its own, and XFS clones a file atomically. What is in the copy had reached
 * the device; what only the page cache of the upper file system held is not in it.
 *
 *   host file system > outer.img (XFS, reflink) > NAME.img (ext4) > the mount that is under test
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram } from "./process.ts";

const OUTER_SIZE = "6G"; // sparse
const INNER_SIZE = "1G"; // sparse

/** Why this machine cannot do it, or null. */
export function whyNoLoopDevices(): string | null {
  if (process.getuid?.() !== 0) return "loop devices need root";
  for (const program of ["losetup", "mkfs.ext4", "mount", "umount"]) {
    if (!hasProgram(program)) return `no ${program} on this machine`;
  }
  return null;
}

export function whyNoPowerCuts(): string | null {
  return whyNoLoopDevices() ?? (hasProgram("mkfs.xfs") ? null : "no mkfs.xfs on this machine (package xfsprogs)");
}

function mustRunNow(...command: string[]): void {
  const result = Bun.spawnSync(command);
  if (!result.success) throw new Error(`${command.join(" ")}: ${result.stderr.toString()}`);
}

/** One ext4 of a fixed size on a loop device. */
export class LoopFileSystem {
  readonly mountPoint: string;
  readonly #root: string;

  static make(size: string, mountOptions = ""): LoopFileSystem {
    const root = mkdtempSync(join(tmpdir(), "millrace-loop-"));
    const image = join(root, "image");
    const mountPoint = join(root, "mount");
    mkdirSync(mountPoint);
    mustRunNow("truncate", "-s", size, image);
    mustRunNow("mkfs.ext4", "-q", "-F", "-m", "0", image);
    mustRunNow("mount", "-o", `loop${mountOptions}`, image, mountPoint);
    return new LoopFileSystem(root, mountPoint);
  }

  private constructor(root: string, mountPoint: string) {
    this.#root = root;
    this.mountPoint = mountPoint;
  }

  remove(): void {
    mustRunNow("umount", "--lazy", this.mountPoint);
    rmSync(this.#root, { recursive: true });
  }
}

/** The machine whose power is cut: a mounted file system and the images of its device. */
export class PowerCutMachine {
  readonly mountPoint: string;
  readonly #root: string;
  readonly #outer: string;
  #generation = 0;
  #isMounted = false;

  constructor() {
    this.#root = mkdtempSync(join(tmpdir(), "millrace-power-"));
    this.#outer = join(this.#root, "outer");
    this.mountPoint = join(this.#root, "mount");
    mkdirSync(this.#outer);
    mkdirSync(this.mountPoint);
    mustRunNow("truncate", "-s", OUTER_SIZE, join(this.#root, "outer.img"));
    mustRunNow("mkfs.xfs", "-q", "-m", "reflink=1", join(this.#root, "outer.img"));
    mustRunNow("mount", "-o", "loop", join(this.#root, "outer.img"), this.#outer);
    mustRunNow("truncate", "-s", INNER_SIZE, this.#image(0));
    mustRunNow("mkfs.ext4", "-q", "-F", this.#image(0));
    this.#mount();
  }

  /** Copies the device at one instant. Synchronous: the caller decides what had happened before. */
  copyDevice(): void {
    mustRunNow("cp", "--reflink=always", this.#image(this.#generation), this.#image(this.#generation + 1));
  }

  /** Goes on with the copy, as a machine that was switched on again. Nothing may run on the mount. */
  switchOn(): void {
    this.#unmount();
    rmSync(this.#image(this.#generation));
    this.#generation++;
    this.#mount();
  }

  /** Also after a failure, when a broker still runs on the mount: lazily. */
  remove(): void {
    if (this.#isMounted) mustRunNow("umount", "--lazy", this.mountPoint);
    mustRunNow("umount", "--lazy", this.#outer);
    rmSync(this.#root, { recursive: true });
  }

  #image(generation: number): string {
    return join(this.#outer, `device-${generation}.img`);
  }

  #mount(): void {
    mustRunNow("mount", "-o", "loop", this.#image(this.#generation), this.mountPoint);
    this.#isMounted = true;
  }

  #unmount(): void {
    mustRunNow("umount", this.mountPoint);
    this.#isMounted = false;
  }
}
