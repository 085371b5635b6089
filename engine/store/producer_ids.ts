import type { MetadataLog } from "../metadata/metadata_log.ts";
import type { ProducerIdBlock } from "../metadata/plan_producer_ids.ts";
import { planProducerIds } from "../metadata/plan_producer_ids.ts";

const NO_BLOCK: ProducerIdBlock = { first: 0, end: 0 };

/** Hands out producer ids, each once in the life of the cluster. Owner: one Store. */
export class ProducerIds {
  readonly #metadata: MetadataLog;
  readonly #nodeId: number;
  #left: ProducerIdBlock = NO_BLOCK;
  #reserving: Promise<void> | null = null;

  constructor(metadata: MetadataLog, nodeId: number) {
    this.#metadata = metadata;
    this.#nodeId = nodeId;
  }

  /** Rejects with a KafkaError when no further block can be recorded. */
  async next(): Promise<number> {
    while (this.#left.first === this.#left.end) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = null;
      });
      await this.#reserving;
    }
    const { first, end } = this.#left;
    this.#left = { first: first + 1, end };
    return first;
  }

  async #reserve(): Promise<void> {
    const { epoch } = this.#metadata.image.brokers.get(this.#nodeId)!;
    const { block, records } = planProducerIds(this.#metadata.latest, { id: this.#nodeId, epoch });
    await this.#metadata.append(records);
    this.#left = block;
  }
}
