/**
 * Encoding and decoding of the messages that matter, one record a produce request, one partition a fetch
 * unless said. Compiled codecs beside the hand-written produce decoder, and the memories of strings and
 * uuids beside decoding afresh.
 */
import { bench, group, run, summary } from "mitata";
import { uuidFromBytes, uuidToBytes } from "../../engine/base/uuid.ts";
import type { Uuid } from "../../engine/base/uuid.ts";
import { produceRequest, produceResponse } from "../../engine/wire/api/00_produce.ts";
import { fetchRequest, fetchResponse } from "../../engine/wire/api/01_fetch.ts";
import { metadataRequest, metadataResponse } from "../../engine/wire/api/03_metadata.ts";
import { decode, decodeFrom, encode, encodeInto } from "../../engine/wire/codec.ts";
import { compileDecoder } from "../../engine/wire/compile_decoder.ts";
import { compileEncoder } from "../../engine/wire/compile_encoder.ts";
import { FrameSplitter } from "../../engine/wire/frame_splitter.ts";
import { requestHeader } from "../../engine/wire/headers.ts";
import { decodeProduce } from "../../engine/wire/produce_request.ts";
import { Reader } from "../../engine/wire/reader.ts";
import { internString } from "../../engine/wire/string_cache.ts";
import { internUuid, writeUuid } from "../../engine/wire/uuid_text.ts";
import { RecordsHole, Writer } from "../../engine/wire/writer.ts";

const HEADER_HEAP_BYTES = 64 * 1024;
const records = new Uint8Array(170).fill(7);
const topicId = uuidFromBytes(Uint8Array.from({ length: 16 }, (_, index) => index * 13 + 1));

/** A whole request frame without its length, as it comes from a socket. */
function requestBytes(apiKey: number, version: number, headerVersion: number, body: Uint8Array): Buffer {
  const header = encode(requestHeader, headerVersion, {
    requestApiKey: apiKey,
    requestApiVersion: version,
    correlationId: 77,
    clientId: "rdkafka",
  });
  return Buffer.concat([header, body]);
}

function produceBytes(version: number): Buffer {
  const body = encode(produceRequest, version, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ ...topicOf(version, "name"), partitionData: [{ index: 3, records }] }],
  });
  return requestBytes(0, version, version < 9 ? 1 : 2, body);
}

function topicOf(version: number, name: "name" | "topic"): { name?: string; topic?: string; topicId?: Uuid } {
  return version >= 13 ? { topicId } : { [name]: "orders-eu" };
}

const writer = new Writer();

/** As a connection does: answers gather, and are taken now and then. */
function encodeProduceAnswer(version: number): void {
  writer.beginFrame();
  writer.int32(77);
  if (version >= 9) writer.uvarint(0);
  encodeInto(writer, produceResponse, version, {
    responses: [
      {
        name: version < 13 ? "orders-eu" : "",
        topicId: version >= 13 ? topicId : undefined,
        partitionResponses: [
          {
            index: 3,
            errorCode: 0,
            baseOffset: 123_456_789,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            recordErrors: [],
            errorMessage: null,
          },
        ],
      },
    ],
    throttleTimeMs: 0,
  });
  writer.endFrame();
  if (writer.length > 8000) writer.take();
}

for (const version of [7, 9, 13]) {
  const headerVersion = version < 9 ? 1 : 2;
  const bytes = produceBytes(version);
  const frame = { bytes, start: 0, end: bytes.length, rest: [], length: bytes.length };
  summary(() => {
    group(`produce v${version}, one record`, () => {
      bench("decode: header and request by hand", () => {
        const reader = new Reader(bytes, 0, bytes.length, HEADER_HEAP_BYTES);
        decodeFrom(requestHeader, headerVersion, reader);
        return decodeProduce(version, frame, reader.at);
      });
      bench("decode: header and request as declared", () => {
        const reader = new Reader(bytes, 0, bytes.length, HEADER_HEAP_BYTES);
        decodeFrom(requestHeader, headerVersion, reader);
        return decodeFrom(produceRequest, version, reader);
      });
      bench("encode the answer", () => encodeProduceAnswer(version));
      bench("decode by hand, encode the answer", () => {
        const reader = new Reader(bytes, 0, bytes.length, HEADER_HEAP_BYTES);
        decodeFrom(requestHeader, headerVersion, reader);
        const request = decodeProduce(version, frame, reader.at);
        encodeProduceAnswer(version);
        return request;
      });
    });
  });
}

for (const [version, partitionCount] of [
  [11, 1],
  [12, 1],
  [17, 1],
  [17, 100],
] as const) {
  const body = encode(fetchRequest, version, {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [
      {
        ...topicOf(version, "topic"),
        partitions: Array.from({ length: partitionCount }, (_, partition) => ({
          partition,
          fetchOffset: 1_000_000_007,
          partitionMaxBytes: 1_048_576,
          currentLeaderEpoch: 4,
        })),
      },
    ],
  });
  const answer = {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 5,
    responses: [
      {
        ...topicOf(version, "topic"),
        partitions: Array.from({ length: partitionCount }, (_, partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 1_000_000_100,
          lastStableOffset: 1_000_000_100,
          logStartOffset: 0,
          abortedTransactions: null,
          preferredReadReplica: -1,
          records: new RecordsHole(65_536),
        })),
      },
    ],
  };
  group(`fetch v${version}, ${partitionCount} partitions`, () => {
    bench("decode the request", () => decode(fetchRequest, version, body));
    bench("encode the answer with holes", () => {
      encodeInto(writer, fetchResponse, version, answer);
      return writer.takeSegments();
    });
  });
}

group("metadata v12, 3 topics of 6 partitions", () => {
  const request = encode(metadataRequest, 12, {
    topics: [{ name: "a-topic" }, { name: "b-topic" }, { name: "c-topic" }],
    allowAutoTopicCreation: true,
  });
  const answer = {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: "broker-1.example.org", port: 9092, rack: null }],
    clusterId: "MkU3OEVBNTcwNTJENDM2Qg",
    controllerId: 1,
    topics: ["a-topic", "b-topic", "c-topic"].map((name) => ({
      errorCode: 0,
      name,
      topicId,
      partitions: Array.from({ length: 6 }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        leaderEpoch: 3,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      })),
    })),
  };
  const bytes = encode(metadataResponse, 12, answer);
  bench("decode the request", () => decode(metadataRequest, 12, request));
  bench("encode the answer", () => {
    encodeInto(writer, metadataResponse, 12, answer);
    return writer.take();
  });
  bench("decode the answer", () => decode(metadataResponse, 12, bytes));
});

group("splitting 100 pipelined frames of 230 bytes", () => {
  const one = produceBytes(9);
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(one.length);
  const chunk = Buffer.concat(Array.from({ length: 100 }, () => [prefix, one]).flat());
  const splitter = new FrameSplitter();
  bench("all frames of a chunk", () => {
    splitter.push(chunk);
    let bytes = 0;
    for (let frame = splitter.next(); frame !== null; frame = splitter.next()) bytes += frame.length;
    return bytes;
  });
});

summary(() => {
  group("text of 9 characters", () => {
    const bytes = Buffer.from("xxorders-euxx");
    bench("from memory", () => internString(bytes, 2, 9));
    bench("Buffer.toString", () => bytes.toString("utf8", 2, 11));
    bench("Buffer.latin1Slice", () => (bytes as unknown as { latin1Slice(from: number, to: number): string }).latin1Slice(2, 11));
    const decoder = new TextDecoder();
    bench("TextDecoder", () => decoder.decode(bytes.subarray(2, 11)));
  });
});

summary(() => {
  group("uuid to text", () => {
    const bytes = Buffer.from(topicId, "base64url");
    bench("from memory", () => internUuid(bytes, 0));
    bench("afresh", () => uuidFromBytes(bytes));
  });
});

summary(() => {
  group("uuid to bytes", () => {
    const bytes = new Uint8Array(16);
    bench("by table", () => writeUuid(topicId, bytes, 0));
    bench("by Buffer.from", () => uuidToBytes(topicId, bytes));
  });
});

for (const length of [9, 20, 40, 100]) {
  summary(() => {
    group(`writing ${length} characters`, () => {
      const text = "topic-name".repeat(40).slice(0, length);
      const bytes = Buffer.alloc(1024);
      const encoder = new TextEncoder();
      bench("loop over characters", () => {
        let index = 0;
        for (; index < text.length; index++) {
          const character = text.charCodeAt(index);
          if (character >= 0x80) break;
          bytes[index + 5] = character;
        }
        return index;
      });
      bench("Buffer.write", () => bytes.write(text, 5));
      bench("TextEncoder.encodeInto a view", () => encoder.encodeInto(text, bytes.subarray(5)));
    });
  });
}

group("compiling a codec, once a message and version", () => {
  bench("heartbeat-sized decoder", () => compileDecoder(metadataRequest, 12));
  bench("fetch response decoder", () => compileDecoder(fetchResponse, 17));
  bench("fetch response encoder", () => compileEncoder(fetchResponse, 17));
});

await run();
