import { expect } from "bun:test";
import { ZERO_UUID } from "../../../engine/base/uuid.ts";
import { ConnectionLost } from "../../../engine/client/client.ts";
import { metadataRequest, metadataResponse } from "../../../engine/wire/api/03_metadata.ts";
import { deleteTopicsRequest, deleteTopicsResponse } from "../../../engine/wire/api/20_delete_topics.ts";
import { connect, createTopic } from "./load.ts";

/** Topics made and deleted along the way: what was acknowledged must be so after the crash. */
export class TopicHistory {
  readonly existing = new Set<string>();
  readonly deleted = new Set<string>();
  #count = 0;
  #isFrozen = false;

  /** One creation and, from the third on, one deletion; until the connection is lost. */
  async change(port: number): Promise<void> {
    this.#isFrozen = false;
    const client = await connect(port);
    try {
      for (;;) {
        const name = `made-${this.#count++}`;
        await createTopic(client, { name, partitions: 2, configs: { "retention.ms": String(1_000_000 + this.#count) } });
        if (this.#isFrozen) return;
        this.existing.add(name);
        if (this.existing.size > 2) {
          const victim = [...this.existing][0]!;
          this.existing.delete(victim); // from here on either is right, until the answer is there
          const answer = await client.call(
            { request: deleteTopicsRequest, response: deleteTopicsResponse },
            { topics: [{ name: victim, topicId: ZERO_UUID }], topicNames: [victim], timeoutMs: 10_000 },
          );
          if (this.#isFrozen) return;
          expect(answer.responses[0]!.errorCode).toBe(0);
          this.deleted.add(victim);
        }
        await Bun.sleep(30);
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    } finally {
      client.close();
    }
  }

  /** Answers that come from now on do not count: the device has been copied. */
  freeze(): void {
    this.#isFrozen = true;
  }

  async verify(port: number): Promise<string[]> {
    const client = await connect(port);
    const answer = await client.call(
      { request: metadataRequest, response: metadataResponse },
      { topics: null, allowAutoTopicCreation: false },
    );
    client.close();
    const names = new Set(answer.topics.map((topic) => topic.name));
    return [
      ...[...this.existing].filter((name) => !names.has(name)).map((name) => `${name} was created and is gone`),
      ...[...this.deleted].filter((name) => names.has(name)).map((name) => `${name} was deleted and is back`),
    ];
  }
}
