/** Records, batches and snapshots: what is written reads back, and what is damaged or newer is told. */
import { describe, expect, test } from "bun:test";
import { DataDirectoryError } from "../../engine/model/errors.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../../engine/model/offsets.ts";
import {
  decodeSnapshot,
  parseSnapshotName,
  snapshotFileName,
} from "../../engine/metadata/snapshot.ts";
import { encodeRaftBatch, readRaftBatches, stampRaftBatch } from "../../engine/metadata/raft_batch.ts";
import { decodeMetadataRecord, encodeMetadataRecord } from "../../engine/metadata/records.ts";
import type { MetadataRecord } from "../../engine/metadata/records.ts";
import { formatQuorumState, parseQuorumState } from "../../engine/metadata/quorum_state.ts";
import { crc32cBitwise } from "../support/crc32c_bitwise.ts";
import { bootstrapped, contentOf, imageSnapshot, numberedId } from "../support/images.ts";

const NOW = 1_700_000_000_000 as TimestampMs;
const ID = { endOffset: 3 as Offset, epoch: 2 as LeaderEpoch };

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof DataDirectoryError ? error.code : String(error);
  }
  return "no error";
}

describe("records", () => {
  test("carry Kafka's frame", () => {
    const record: MetadataRecord = { kind: "featureLevel", version: 0, value: { name: "metadata.version", featureLevel: 30 } };
    const bytes = encodeMetadataRecord(record);
    // As kafka-storage writes it into bootstrap.checkpoint.
    expect(Buffer.from(bytes).toString("hex")).toBe("010c00116d657461646174612e76657273696f6e001e00");
    expect(decodeMetadataRecord(bytes)).toEqual(record);
  });

  const refused: readonly [string, number[], string][] = [
    ["an unknown record type", [1, 29, 0, 0], "NEWER_FORMAT"],
    ["a gap among the types", [1, 6, 0, 0], "NEWER_FORMAT"],
    ["a later version", [1, 20, 1, 0], "NEWER_FORMAT"],
    ["another frame", [2, 20, 0, 0], "NEWER_FORMAT"],
    ["frame 0", [0, 20, 0, 0], "NEWER_FORMAT"],
    ["bytes behind the record", [1, 20, 0, 0, 0], "DAMAGED"],
    ["a record cut short", [1, 12, 0, 17, 109], "DAMAGED"],
    ["a frame cut short", [1, 20], "DAMAGED"],
    ["nothing", [], "DAMAGED"],
  ];
  test.each(refused)("refuse %s", (_what, bytes, code) => {
    expect(codeOf(() => decodeMetadataRecord(Uint8Array.from(bytes)))).toBe(code);
  });
});

describe("batches", () => {
  test("any flipped byte is noticed, except where a leader stamps", () => {
    const noOp: MetadataRecord = { kind: "noOp", version: 0, value: {} };
    const batch = stampRaftBatch(encodeRaftBatch([noOp], NOW, crc32cBitwise), 7, 3 as LeaderEpoch);
    expect(batch.length).toBe(72);
    expect([...readRaftBatches(batch, crc32cBitwise)][0]).toMatchObject({ baseOffset: 7, epoch: 3, records: [noOp] });
    for (let at = 8; at < batch.length; at++) {
      if (at >= 12 && at < 16) continue;
      const flipped = batch.slice();
      flipped[at]! ^= 0x10;
      expect(codeOf(() => [...readRaftBatches(flipped, crc32cBitwise)]), `byte ${at}`).toBe("DAMAGED");
    }
    for (let length = 1; length < batch.length; length++) {
      expect(codeOf(() => [...readRaftBatches(batch.subarray(0, length), crc32cBitwise)])).toBe("DAMAGED");
    }
  });
});

describe("snapshots", () => {
  const { image } = bootstrapped();
  const bytes = imageSnapshot({ image, controls: [] }, ID, NOW, crc32cBitwise);

  test("give the image back", () => {
    const back = decodeSnapshot(bytes, ID, crc32cBitwise);
    expect(contentOf(back.image)).toEqual(contentOf(image));
    expect(back.image.position).toEqual({ offset: 2 as Offset, epoch: 2 as LeaderEpoch, timestamp: image.position.timestamp });
  });

  test("keep Raft's own records", () => {
    const controls = [{ type: 5, value: Uint8Array.of(0, 0, 0, 1, 0) }, { type: 6, value: Uint8Array.of(0, 0, 1, 0) }];
    const withVoters = imageSnapshot({ image, controls }, ID, NOW, crc32cBitwise);
    expect(decodeSnapshot(withVoters, ID, crc32cBitwise).controls).toEqual(controls);
  });

  test("are refused when they are cut at a batch", () => {
    const [header, data] = [...readRaftBatches(bytes, crc32cBitwise)];
    const headerBytes = 12 + new DataView(bytes.buffer).getInt32(8);
    const dataBytes = 12 + new DataView(bytes.buffer).getInt32(headerBytes + 8);
    expect(header!.controls).toHaveLength(1);
    expect(data!.records.length).toBeGreaterThan(0);
    expect(() => decodeSnapshot(bytes.subarray(0, headerBytes + dataBytes), ID, crc32cBitwise)).toThrow("no footer");
    expect(() => decodeSnapshot(bytes.subarray(headerBytes), ID, crc32cBitwise)).toThrow("no header");
  });

  test("have Kafka's names", () => {
    expect(snapshotFileName({ endOffset: 63 as Offset, epoch: 1 as LeaderEpoch }))
      .toBe("00000000000000000063-0000000001.checkpoint");
    expect(parseSnapshotName("00000000000000000063-0000000001.checkpoint"))
      .toMatchObject({ endOffset: 63, epoch: 1, isRest: false });
    for (const suffix of ["-123.checkpoint.part", ".checkpoint.deleted"]) {
      expect(parseSnapshotName(`00000000000000000063-0000000001${suffix}`)).toMatchObject({ isRest: true });
    }
    expect(parseSnapshotName("00000000000000000063.snapshot")).toBeNull();
    expect(parseSnapshotName("leader-epoch-checkpoint")).toBeNull();
  });
});

describe("quorum-state", () => {
  test("is Kafka's line of JSON, in either version", () => {
    const golden = '{"clusterId":"","leaderId":1,"leaderEpoch":4,"votedId":-1,"appliedOffset":0,' +
      '"currentVoters":[{"voterId":1}],"data_version":0}';
    const state = parseQuorumState(new TextEncoder().encode(golden));
    expect(state).toMatchObject({ leaderId: 1, leaderEpoch: 4, currentVoters: [1], version: 0 });
    expect(new TextDecoder().decode(formatQuorumState(state))).toBe(golden);
    const second = `{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"${numberedId(1)}","data_version":1}`;
    const back = formatQuorumState(parseQuorumState(new TextEncoder().encode(second)));
    expect(new TextDecoder().decode(back)).toBe(second);
  });

  test.each([["{", "DAMAGED"], ["{}", "NEWER_FORMAT"], ['{"data_version":2}', "NEWER_FORMAT"], ['{"data_version":0}', "DAMAGED"]])(
    "refuses %s", (text, code) => {
      expect(codeOf(() => parseQuorumState(new TextEncoder().encode(text)))).toBe(code);
    });
});
