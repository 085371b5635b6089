/** Walking a declaration gives the very bytes and values that its compiled codec gives. */
import { expect, test } from "bun:test";
import { interpretDecode, interpretEncode } from "../../engine/metadata/record_interpreter.ts";
import { decodeExactly, encode } from "../../engine/wire/codec.ts";
import * as controlRecords from "../../engine/wire/records/control_records.ts";
import * as metadataRecords from "../../engine/wire/records/metadata_records.ts";
import type { Message } from "../../engine/wire/schema.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import { Dice, randomMessage } from "../wire/random_values.ts";

const MESSAGES: readonly Message[] = [
  ...Object.values(metadataRecords),
  ...Object.values(controlRecords),
].filter((message: Message) => message.flexible.last >= message.versions.last) as Message[];

function forEachVersion(visit: (message: Message, version: number) => void): void {
  for (const message of MESSAGES) {
    for (let version = message.versions.first; version <= message.versions.last; version++) visit(message, version);
  }
}

test("both ways, for every record in every version", () => {
  const dice = new Dice(3);
  let count = 0;
  forEachVersion((message, version) => {
    for (let round = 0; round < 30; round++) {
      const value = randomMessage(message, version, dice);
      const where = `${message.name} v${version} #${round}`;
      const bytes = encode(message, version, value as never);
      expect(interpretEncode(message, version, value), where).toEqual(bytes);
      expect(interpretDecode(message, version, bytes, 0), where).toEqual(decodeExactly(message, version, bytes));
      count++;
    }
  });
  expect(count).toBeGreaterThan(900);
});

test("bytes that end early are refused, damaged ones never end in anything but a WireError", () => {
  const dice = new Dice(4);
  forEachVersion((message, version) => {
    const bytes = encode(message, version, randomMessage(message, version, dice) as never);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => interpretDecode(message, version, bytes.subarray(0, length), 0)).toThrow(WireError);
    }
    for (let at = 0; at < Math.min(bytes.length, 200); at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << dice.below(8);
      try {
        interpretDecode(message, version, damaged, 0);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });
});

test("a value that the version cannot express is refused", () => {
  const value = { brokerId: 1, brokerEpoch: 1, fenced: 0, inControlledShutdown: 1, logDirs: [], cordonedLogDirs: null };
  expect(() => interpretEncode(metadataRecords.brokerRegistrationChangeRecord, 0, value)).toThrow(WireError);
  expect(() => interpretEncode(metadataRecords.topicRecord, 0, { name: null, topicId: null })).toThrow(WireError);
});
