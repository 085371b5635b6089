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
import { mapInTurns } from "../turns.ts";

type Request = ValueOf<typeof describeLogDirsRequest>;

export const describeLogDirs = servedApi(
  findApi(describeLogDirsRequest.apiKey),
  describeLogDirsRequest,
  describeLogDirsResponse,
  handle,
);

async function handle(
  request: Request,
  call: Call,
): Promise<AnswerOf<typeof describeLogDirsResponse>> {
  const { clock, store } = call.services;
  const topics = new Map<string, ReturnType<typeof describe>[]>();
  await mapInTurns(clock, wanted(request, call), (partition) => {
    const described = topics.get(partition.topic) ?? [];
    described.push(describe(partition));
    topics.set(partition.topic, described);
  });
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

/** Opens each partition when its turn comes. */
function* wanted(request: Request, call: Call): Generator<Partition> {
  const { image, partitions } = call.services.store;
  const asked = request.topics ??
    [...image.topics()].map(({ name, partitions: all }) => ({ topic: name, partitions: all.keys() }));
  for (const { topic, partitions: indexes } of asked) {
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
