/**
 * DescribeLogDirs (35): log directories and the size of what is in them (KIP-113).
 *
 * Versions 1-5, flexible from 2; an error of the whole request from 3; size and room of the disk
 * from 4 (KIP-827); cordoned directories from 5. Null asks for all topics.
 */
import { array, bool, int16, int32, int64, message, nullableArray, string } from "../schema.ts";

export const describeLogDirsRequest = message({
  name: "DescribeLogDirsRequest",
  apiKey: 35,
  type: "request",
  versions: "1-5",
  flexible: "2+",
  listeners: ["broker"],
  fields: () => ({
    topics: nullableArray({ topic: string(), partitions: array(int32()) }),
  }),
});

export const describeLogDirsResponse = message({
  name: "DescribeLogDirsResponse",
  apiKey: 35,
  type: "response",
  versions: "1-5",
  flexible: "2+",
  fields: () => ({
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "3+", ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ versions: "4+", default: -1, ignorable: true }),
      usableBytes: int64({ versions: "4+", default: -1, ignorable: true }),
      isCordoned: bool({ versions: "5+", default: false, ignorable: true }),
    }),
  }),
});
