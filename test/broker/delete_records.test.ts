/** What DeleteRecords answered for stays deleted, also when the process dies the moment after. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../../engine/client/client.ts";
import { plainBatch } from "../../engine/model/records.ts";
import { crc32c } from "../../native/crc32c.ts";
import type { TimestampMs } from "../../engine/model/offsets.ts";
import { produceRequest, produceResponse } from "../../engine/wire/api/00_produce.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../engine/wire/api/02_list_offsets.ts";
import { createTopicsRequest, createTopicsResponse } from "../../engine/wire/api/19_create_topics.ts";
import { deleteRecordsRequest, deleteRecordsResponse } from "../../engine/wire/api/21_delete_records.ts";
import { Millrace } from "../foreign/support/millrace.ts";

const dir = mkdtempSync(join(tmpdir(), "millrace-delete-records-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const EARLIEST = -2;
/** Produce up to this version names topics, not ids. */
const NAMED = 9;

const connect = (broker: Millrace): Promise<Client> =>
  Client.connect({ host: "127.0.0.1", port: broker.port, clientId: "t" });

async function earliest(client: Client): Promise<number> {
  const answer = await client.call(
    { request: listOffsetsRequest, response: listOffsetsResponse },
    {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: EARLIEST }] }],
    },
  );
  return answer.topics[0]!.partitions[0]!.offset;
}

test("a kill right after the answer does not bring the records back", async () => {
  let broker = await Millrace.start({ dataDir: dir });
  let client = await connect(broker);
  await client.call({ request: createTopicsRequest, response: createTopicsResponse }, {
    topics: [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
  });
  for (let index = 0; index < 5; index++) {
    const records = plainBatch([{ value: Uint8Array.of(index) }], Date.now() as TimestampMs, crc32c);
    const answer = await client.call({ request: produceRequest, response: produceResponse }, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: "t", topicId: undefined, partitionData: [{ index: 0, records }] }],
    }, NAMED);
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  }
  const deleted = await client.call({ request: deleteRecordsRequest, response: deleteRecordsResponse }, {
    topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: 3 }] }],
    timeoutMs: 10_000,
  });
  expect(deleted.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 3 });
  await broker.kill();
  client.close();
  broker = await Millrace.start({ dataDir: dir });
  client = await connect(broker);
  expect(await earliest(client)).toBe(3);
  client.close();
  await broker.kill();
});
