import type { Native } from "../../native/native.ts";
import { loadNative } from "../../native/native.ts";
import { DescriptorPool, descriptorBudget, processDescriptorLimit } from "./disk_descriptors.ts";
import { NodeDisk } from "./disk_node.ts";

/** What all disks of this process share: the shim, and the descriptors that it may hold. */
interface Shared {
  readonly native: Native;
  readonly descriptors: DescriptorPool;
}

let shared: Shared | null = null;

/** A disk of this machine, for one data directory. `readOnly`: what would change anything fails. */
export function systemDisk(options: { readonly readOnly: boolean }): NodeDisk {
  shared ??= {
    native: loadNative(),
    descriptors: new DescriptorPool(descriptorBudget(processDescriptorLimit())),
  };
  return new NodeDisk({ ...shared, readOnly: options.readOnly });
}
