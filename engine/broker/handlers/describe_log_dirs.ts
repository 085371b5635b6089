/**
 * DescribeLogDirs (35), versions 1-5: how much the data directory holds, by partition. No topics means
 * all. After a disk fault the directory is reported with KAFKA_STORAGE_ERROR.
 */
import { ErrorCode } from "../../model/error_code.ts";
import type { Partition } from "../../partition/partition.ts";
import { describeLogDirsRequest, describeLogDirsResponse } from "../../wire/api/35_describe_log_dirs.ts";
import { findApi } from "../../wire/apis.ts";
import type { ValueOf } from "../../wire/schema.ts";
import { servedApi } from "../call.ts";
import type { AnswerOf, Call } from "../call.ts";

type Request = ValueOf<typeof describeLogDirsRequest>;

export const describeLogDirs = servedApi(
  findApi(describeLogDirsRequest.apiKey),
  describeLogDirsRequest,
  describeLogDirsResponse,
  handle,
);

function handle(request: Request, call: Call): AnswerOf<typeof describeLogDirsResponse> {
  const { store } = call.services;
  const topics = new Map<string, ReturnType<typeof describe>[]>();
  for (const partition of wanted(request, call)) {
    const described = topics.get(partition.topic) ?? [];
    described.push(describe(partition));
    topics.set(partition.topic, described);
  }
  return {
    errorCode: ErrorCode.NONE,
    results: [{
      errorCode: store.disk.fault === null ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR,
      logDir: store.dir,
      topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
      usableBytes: store.disk.freeBytes(store.dir),
    }],
  };
}

function* wanted(request: Request, call: Call): Generator<Partition> {
  const { partitions } = call.services.store;
  if (request.topics === null) {
    yield* partitions;
    return;
  }
  for (const { topic, partitions: indexes } of request.topics) {
    for (const index of new Set(indexes)) {
      const partition = partitions.find(topic, index);
      if (partition !== undefined) yield partition;
    }
  }
}

function describe({ index, log, highWatermark }: Partition) {
  return {
    partitionIndex: index,
    partitionSize: log.sizeBytes,
    offsetLag: Math.max(0, highWatermark - log.logEndOffset),
    isFutureKey: false,
  };
}
