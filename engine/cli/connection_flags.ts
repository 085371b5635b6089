import { Cluster } from "../client/cluster.ts";
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
  const cluster = await Cluster.connect(servers, "millrace-cli");
  try {
    return await work(cluster);
  } finally {
    cluster.close();
  }
}
