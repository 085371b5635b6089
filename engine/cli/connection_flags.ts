import { Cluster } from "../client/cluster.ts";
import type { TopicPlace } from "../client/cluster.ts";
import { SystemClock } from "../io/clock.ts";
import { ErrorCode } from "../model/error_code.ts";
import { KafkaError, UsageError } from "../model/errors.ts";
import type { Flag, Flags } from "./command.ts";

const DEFAULT_SERVER = "127.0.0.1:9092";

/** What every command that speaks to a broker takes. */
export const CONNECTION_FLAGS: Record<string, Flag> = {
  "bootstrap-server": {
    kind: "text",
    short: "b",
    value: "HOST:PORT",
    help: `broker to ask, several separated by commas (default ${DEFAULT_SERVER})`,
  },
};

/** Connects, calls `work`, and closes whatever happened. */
export async function withCluster<Result>(
  flags: Flags,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const servers = flags.text("bootstrap-server") ?? DEFAULT_SERVER;
  const cluster = await Cluster.connect(servers, "millrace-cli", new SystemClock());
  try {
    return await work(cluster);
  } finally {
    cluster.close();
  }
}

/** A topic that must be there. */
export async function existingTopic(cluster: Cluster, name: string): Promise<TopicPlace> {
  try {
    return await cluster.topic(name, false);
  } catch (error) {
    throw missingTopic(error, name, "`millrace topics --list` names those that exist");
  }
}

/** What to do about a topic that is not there; any other error as it is. */
export function missingTopic(error: unknown, name: string, advice: string): unknown {
  const isMissing = error instanceof KafkaError && error.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return isMissing ? new UsageError(`there is no topic ${name}: ${advice}`, { cause: error }) : error;
}
