import type { Cluster, TopicPlace } from "./cluster.ts";
import type { Clock } from "../io/clock.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError } from "../model/errors.ts";

/** Brokers create a topic within a few hundred milliseconds; one that does not by then will not. */
const WAIT_MS_MAX = 2_000;
const FIRST_DELAY_MS = 10;
const DELAY_MS_MAX = 320;

/** What a broker answers while a topic that was asked for is being created. */
const COMING: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
]);

/**
 * A topic to write to, which the broker may have to create first: asked for until it is there and each
 * partition has a leader. Throws the broker's last KafkaError when that takes too long.
 */
export async function topicToWrite(cluster: Cluster, name: string, clock: Clock): Promise<TopicPlace> {
  const deadline = clock.monotonicMs() + WAIT_MS_MAX;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, DELAY_MS_MAX)) {
    const isLast = clock.monotonicMs() >= deadline;
    try {
      const topic = await cluster.topic(name, true);
      if (isLast || topic.leaders.every((leader) => leader >= 0)) return topic;
    } catch (error) {
      if (isLast || !(error instanceof KafkaError) || !COMING.has(error.errorCode)) throw error;
    }
    await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
  }
}
