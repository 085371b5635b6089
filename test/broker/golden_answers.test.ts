/**
 * Answers byte by byte where clients depend on the very form: versions that are not served, and errors in
 * old and in flexible encodings. The requests are written out, so that nothing here shares a mistake with
 * the encoder.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestBroker } from "./harness.ts";
import type { TestBroker } from "./harness.ts";

let running: TestBroker;

beforeAll(async () => {
  running = await startTestBroker({ properties: { "auto.create.topics.enable": "false" } });
});

afterAll(() => running.stop());

/** Sends "key version correlationId clientId body" in hex, framed; the answers in hex, or "closed". */
async function exchange(...requests: readonly string[]): Promise<string[]> {
  const frames = requests.map((text) => {
    const body = Buffer.from(text.replaceAll(/\s/g, ""), "hex");
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(body.length);
    return Buffer.concat([prefix, body]);
  });
  const answers: string[] = [];
  const done = Promise.withResolvers<void>();
  let received = Buffer.alloc(0);
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: running.port,
    socket: {
      data(_socket, bytes) {
        received = Buffer.concat([received, bytes]);
        while (received.length >= 4 && received.length >= 4 + received.readInt32BE()) {
          const end = 4 + received.readInt32BE();
          answers.push(received.subarray(4, end).toString("hex"));
          received = received.subarray(end);
        }
        if (answers.length === requests.length) done.resolve();
      },
      close() {
        if (answers.length < requests.length) answers.push("closed");
        done.resolve();
      },
    },
  });
  socket.write(Buffer.concat(frames));
  await done.promise;
  socket.end();
  return answers;
}

const joined = (...parts: readonly string[]): string => parts.join("").replaceAll(" ", "");

/** ApiVersions alone, from 0 to 4. */
const ONLY_API_VERSIONS = "0023 00000001 0012 0000 0004";

describe("ApiVersions", () => {
  test("of a version not known gets the body of version 0 and the connection stays", async () => {
    const [unknown, known] = await exchange(
      // Version 99 has a flexible header, and a body that nobody can read.
      "0012 0063 00000007 0001 61 00 ffffffffff",
      "0012 0000 00000008 ffff",
    );
    expect(unknown).toBe(joined("00000007", ONLY_API_VERSIONS));
    expect(known!.startsWith(joined("00000008", "0000"))).toBe(true);
  });

  test("of a negative version has an old header", async () => {
    expect(await exchange("0012 ffff 00000007 0001 61")).toEqual([joined("00000007", ONLY_API_VERSIONS)]);
  });

  test("with a header that does not parse ends the connection", async () => {
    // Client id of 100 bytes in a request that has none of them.
    expect(await exchange("0012 0063 00000007 0064 61")).toEqual(["closed"]);
  });

  test("from software without a name is an invalid request, in version 3 with an old header", async () => {
    // Flexible header, then two empty compact strings and no tags.
    expect(await exchange("0012 0003 00000007 ffff 00 01 01 00")).toEqual([
      joined("00000007", "002a", "01", "00000000", "00"),
    ]);
  });
});

test("a header may carry tagged fields that nobody knows", async () => {
  const tags = "02 01 02 aabb 07 00";
  const [answer] = await exchange(`0012 0003 00000007 0001 61 ${tags} 04 61 62 63 02 31 00`);
  expect(answer!.startsWith(joined("00000007", "0000"))).toBe(true);
});

describe("ends the connection", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a key that is not served", "000b 0000 00000001 ffff"],
    ["a key that was removed", "0004 0000 00000001 ffff"],
    ["a key that never was", "7fff 0000 00000001 ffff"],
    ["a negative key", "ffff 0000 00000001 ffff"],
    ["Produce before version 3, though it is advertised", "0000 0002 00000001 ffff 0001 00000001 00000000"],
    ["Metadata of a version too high", "0003 0063 00000001 ffff 00"],
    ["InitProducerId of the version that is not stable", "0016 0006 00000001 ffff 00"],
    ["a frame of nothing", ""],
    ["a header cut short", "0003 0000 0000"],
    ["a client id longer than its header", "0003 0001 00000001 0005 61"],
    ["a client id of a negative length", "0003 0001 00000001 fffe 00000000"],
    ["a header whose tags are cut short", "0003 0009 00000001 ffff 01 05 10 aa"],
    ["a flexible header without tags", "0003 0009 00000001 ffff"],
    ["a body cut short", "0003 0001 00000001 ffff 0000"],
    ["an array that claims more than there is", "0003 0001 00000001 ffff 7fffffff"],
  ];
  for (const [name, request] of cases) {
    test(name, async () => expect(await exchange(request)).toEqual(["closed"]));
  }
});

describe("errors", () => {
  test("of Produce 3: an unknown topic", async () => {
    const request = "0000 0003 00000005 ffff ffff 0001 00001388" +
      "00000001 0001 78 00000001 00000000 ffffffff";
    expect(await exchange(request)).toEqual([joined(
      "00000005",
      "00000001 0001 78 00000001", // one topic, "x", one partition
      "00000000 0003 ffffffffffffffff ffffffffffffffff", // error 3, no offset, no time
      "00000000",
    )]);
  });

  test("of Produce 9: the same, flexible, with a null message", async () => {
    const request = "0000 0009 00000005 ffff 00 00 0001 00001388 02 02 78 02 00000000 00 00 00 00";
    expect(await exchange(request)).toEqual([joined(
      "00000005 00",
      "02 02 78 02",
      "00000000 0003 ffffffffffffffff ffffffffffffffff ffffffffffffffff 01 00 00",
      "00 00000000 00",
    )]);
  });

  test("of Fetch 4: an unknown topic has empty records", async () => {
    const request = "0001 0004 00000005 ffff ffffffff 00000000 00000001 00010000 00" +
      "00000001 0001 78 00000001 00000000 0000000000000000 00010000";
    expect(await exchange(request)).toEqual([joined(
      "00000005 00000000",
      "00000001 0001 78 00000001",
      "00000000 0003 ffffffffffffffff ffffffffffffffff ffffffff 00000000",
    )]);
  });

  test("of Fetch 7: an unknown session", async () => {
    const request = "0001 0007 00000005 ffff ffffffff 00000000 00000001 00010000 00" +
      "00000009 00000001 00000000 00000000";
    expect(await exchange(request)).toEqual([joined("00000005 00000000 0046 00000000 00000000")]);
  });

  test("of Metadata 1: an unknown topic", async () => {
    const [answer] = await exchange("0003 0001 00000005 ffff 00000001 0001 78");
    const host = Buffer.from("127.0.0.1").toString("hex");
    const port = running.port.toString(16).padStart(8, "0");
    expect(answer).toBe(joined(
      "00000005",
      "00000001 00000001 0009", host, port, "ffff", // one broker, no rack
      "00000001", // the controller
      "00000001 0003 0001 78 00 00000000",
    ));
  });

  test("of ListOffsets 1: a mark that came later", async () => {
    const request = "0002 0001 00000005 ffff ffffffff 00000001 0001 78 00000001 00000000 fffffffffffffffd";
    expect(await exchange(request)).toEqual([joined(
      "00000005 00000001 0001 78 00000001 00000000 0023 ffffffffffffffff ffffffffffffffff",
    )]);
  });

  test("of FindCoordinator 0 and 1: none is available", async () => {
    const [old, told] = await exchange("000a 0000 00000005 ffff 0001 67", "000a 0001 00000006 ffff 0001 67 00");
    expect(old).toBe(joined("00000005 000f ffffffff 0000 ffffffff"));
    expect(told!.startsWith(joined("00000006 00000000 000f"))).toBe(true);
    expect(Buffer.from(told!, "hex").toString()).toContain("does not coordinate consumer groups");
  });
});
