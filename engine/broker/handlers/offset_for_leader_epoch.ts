/**
 * OffsetForLeaderEpoch (23), versions 2-4: where a leader epoch ended, so that a consumer notices
 * that records it has read were replaced (KIP-320).
 *
 * Answers the largest epoch at or below the asked one and the offset at which the next one starts (the
 * log end offset for the latest); -1 and -1 without an error when none is known.
 */
import { ErrorCode } from "../../model/error_code.ts";
import type { LeaderEpoch } from "../../model/offsets.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "../../wire/api/23_offset_for_leader_epoch.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { findLed } from "../cluster_view.ts";
import { mapInTurns } from "../turns.ts";

type Request = ValueOf<typeof offsetForLeaderEpochRequest>;
type Response = AnswerOf<typeof offsetForLeaderEpochResponse>;
type Asked = Request["topics"][number]["partitions"][number];

export const offsetForLeaderEpoch = servedApi(
  findApi(offsetForLeaderEpochRequest.apiKey),
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  handle,
);

async function handle(request: Request, call: Call): Promise<Response> {
  const { clock } = call.services;
  const topics = await mapInTurns(clock, request.topics, async ({ topic, partitions }) => ({
    topic,
    partitions: await mapInTurns(clock, partitions, (asked) => endOf(topic, asked, call)),
  }));
  return { topics };
}

function endOf(topic: string, asked: Asked, call: Call) {
  const found = findLed(
    call.services,
    topic,
    asked.partition,
    asked.currentLeaderEpoch as LeaderEpoch,
  );
  if (typeof found === "number") return { errorCode: found, partition: asked.partition };
  const end = found.endOffsetFor(asked.leaderEpoch as LeaderEpoch);
  return {
    errorCode: ErrorCode.NONE,
    partition: asked.partition,
    leaderEpoch: end?.epoch ?? -1,
    endOffset: end?.endOffset ?? -1,
  };
}
