import { assert } from "../base/assert.ts";
import { PRODUCER_ID_BLOCK_SIZE } from "../model/limits.ts";
import type { MetadataImage } from "./image.ts";
import type { MetadataRecord } from "./records.ts";

/** Producer ids [first, end), nobody else's once the block's record is committed. */
export interface ProducerIdBlock {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The next block of producer ids. Recorded before its first id is handed out: ids counted in memory
 * would come again after a restart, and deduplication would then drop new data in silence.
 */
export function planProducerIds(
  image: MetadataImage,
  broker: { readonly id: number; readonly epoch: number },
): { readonly records: readonly MetadataRecord[]; readonly block: ProducerIdBlock } {
  const first = image.nextProducerId;
  const end = first + PRODUCER_ID_BLOCK_SIZE;
  assert(Number.isSafeInteger(end), "producer ids are used up", first);
  const value = { brokerId: broker.id, brokerEpoch: broker.epoch, nextProducerId: end };
  return { records: [{ kind: "producerIds", version: 0, value }], block: { first, end } };
}
