/**
 * DescribeProducers (61), version 0: the producers that a partition remembers, for finding
 * transactions that hang.
 */
import { ErrorCode, errorName } from "../../model/error_code.ts";
import { NO_EPOCH } from "../../model/offsets.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
} from "../../wire/api/61_describe_producers.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";
import { findLed } from "../cluster_view.ts";
import { mapInTurns } from "../turns.ts";

export const describeProducers = servedApi(
  findApi(describeProducersRequest.apiKey),
  describeProducersRequest,
  describeProducersResponse,
  handle,
);

async function handle(
  request: ValueOf<typeof describeProducersRequest>,
  call: Call,
): Promise<AnswerOf<typeof describeProducersResponse>> {
  const { clock } = call.services;
  const topics = await mapInTurns(clock, request.topics, async ({ name, partitionIndexes }) => ({
    name,
    partitions: await mapInTurns(clock, partitionIndexes, (index) => describe(name, index, call)),
  }));
  return { topics };
}

function describe(topic: string, partitionIndex: number, call: Call) {
  const found = findLed(call.services, topic, partitionIndex, NO_EPOCH);
  if (typeof found === "number") {
    return { partitionIndex, errorCode: found, errorMessage: errorName(found), activeProducers: [] };
  }
  const activeProducers = found.log.producers.activeProducers();
  return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers };
}
