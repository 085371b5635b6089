import { expect, test } from "bun:test";
import { FrameSplitter, joinFrame } from "../../engine/wire/frame_splitter.ts";
import type { Frame } from "../../engine/wire/frame_splitter.ts";
import { WireError } from "../../engine/wire/wire_error.ts";
import {
  FRAME_HEAD_BYTES,
  FRAME_PIECE_BYTES_MAX,
  FRAME_PIECE_BYTES_MIN,
} from "../../engine/wire/wire_limits.ts";
import { Dice } from "./random_values.ts";

function framed(...bodies: Uint8Array[]): Uint8Array {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(body.length);
      return [prefix, body];
    }),
  );
}

function pushAll(splitter: FrameSplitter, chunk: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  splitter.push(chunk);
  for (let frame = splitter.next(); frame !== null; frame = splitter.next()) frames.push(frame);
  return frames;
}

function contents(frame: Frame): Uint8Array {
  const { bytes, start, end } = joinFrame(frame);
  expect(end - start).toBe(frame.length);
  return Uint8Array.from(bytes.subarray(start, end));
}

test("a stream cut at every position gives the same frames", () => {
  const bodies = [new Dice(1).bytes(40), new Uint8Array(0), new Dice(2).bytes(3), new Dice(3).bytes(25)];
  const stream = framed(...bodies);
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const splitter = new FrameSplitter();
      const frames = [
        ...pushAll(splitter, stream.subarray(0, first)),
        ...pushAll(splitter, stream.subarray(first, second)),
        ...pushAll(splitter, stream.subarray(second)),
      ];
      expect(frames.map(contents)).toEqual(bodies.map((body) => Uint8Array.from(body)));
      expect(splitter.heldBytes).toBe(0);
    }
  }
});

test("a stream that comes byte by byte gives the same frames", () => {
  const bodies = [new Dice(4).bytes(3000), new Dice(5).bytes(1)];
  const splitter = new FrameSplitter();
  const frames = [...framed(...bodies)].flatMap((byte) => pushAll(splitter, Uint8Array.of(byte)));
  expect(frames.map(contents)).toEqual(bodies);
  expect(frames.every((frame) => frame.rest.length === 0)).toBe(true);
});

test("random large frames in random chunks: same bytes, a whole head, no chunk joined", () => {
  const dice = new Dice(6);
  for (let round = 0; round < 30; round++) {
    const bodies = Array.from({ length: 1 + dice.below(4) }, () =>
      new Uint8Array(dice.integer(21)).fill(dice.below(256)),
    );
    bodies.forEach((body) => body.set(dice.bytes(Math.min(body.length, 64))));
    const stream = framed(...bodies);
    const splitter = new FrameSplitter();
    const frames: Frame[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + dice.integer(dice.chance(2) ? 19 : 10);
      frames.push(...pushAll(splitter, stream.subarray(at, at + size)));
      at += size;
    }
    expect(frames.length).toBe(bodies.length);
    frames.forEach((frame, index) => {
      expect(Buffer.compare(contents(frame), bodies[index]!)).toBe(0);
      const head = frame.end - frame.start;
      expect(head).toBeGreaterThanOrEqual(Math.min(frame.length, FRAME_HEAD_BYTES));
      for (const piece of frame.rest) expect(piece.length).toBeLessThanOrEqual(FRAME_PIECE_BYTES_MAX);
    });
  }
});

test("a frame inside one chunk is handed out where it lies", () => {
  const stream = framed(new Dice(7).bytes(10), new Dice(8).bytes(20));
  const [first, second] = pushAll(new FrameSplitter(), stream);
  expect(first!.bytes).toBe(stream);
  expect([first!.start, first!.end]).toEqual([4, 14]);
  expect(second!.bytes).toBe(stream);
  expect([second!.start, second!.end]).toEqual([18, 38]);
});

test("large chunks of one frame stay as they came", () => {
  const size = 3 * FRAME_PIECE_BYTES_MAX;
  const stream = framed(new Uint8Array(size));
  const splitter = new FrameSplitter();
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; at += FRAME_PIECE_BYTES_MAX) {
    frames.push(...pushAll(splitter, stream.subarray(at, at + FRAME_PIECE_BYTES_MAX)));
  }
  const [frame] = frames;
  expect(frame!.bytes.buffer).toBe(stream.buffer);
  expect(frame!.rest.slice(0, 2).every((piece) => piece.buffer === stream.buffer)).toBe(true);
  expect(frame!.rest.map((piece) => piece.length)).toEqual([FRAME_PIECE_BYTES_MAX, FRAME_PIECE_BYTES_MAX, 4]);
});

test("memory follows the bytes that came, not the length declared", () => {
  const splitter = new FrameSplitter();
  const stream = framed(new Uint8Array(2 * FRAME_PIECE_BYTES_MAX));
  let frame: Frame | undefined;
  for (let at = 0; at < stream.length; at += 1000) {
    [frame] = pushAll(splitter, stream.subarray(at, at + 1000));
  }
  const pieces = [frame!.bytes, ...frame!.rest];
  expect(pieces.length).toBe(3);
  for (const { buffer } of pieces) expect(buffer.byteLength).toBeLessThanOrEqual(FRAME_PIECE_BYTES_MAX);
});

test("a small end of a large chunk does not keep the chunk alive", () => {
  const body = new Uint8Array(FRAME_PIECE_BYTES_MIN * 2);
  const stream = framed(body, body);
  const splitter = new FrameSplitter();
  pushAll(splitter, stream.subarray(0, body.length + 4 + 4 + 100));
  const [frame] = pushAll(splitter, stream.subarray(body.length + 4 + 4 + 100));
  expect(frame!.bytes.buffer).not.toBe(stream.buffer);
});

test("a bad length fails before its bytes come, and ever after", () => {
  for (const [prefix, code] of [
    [[0, 0, 1, 1], "TOO_LARGE"],
    [[0x7f, 0xff, 0xff, 0xff], "TOO_LARGE"],
    [[0x80, 0, 0, 0], "MALFORMED"],
    [[0xff, 0xff, 0xff, 0xff], "MALFORMED"],
  ] as const) {
    const splitter = new FrameSplitter(256);
    expect(pushAll(splitter, framed(new Uint8Array(256))).length).toBe(1);
    splitter.push(Uint8Array.from(prefix));
    try {
      splitter.next();
      expect.unreachable();
    } catch (error) {
      expect(error instanceof WireError ? error.code : error).toBe(code);
    }
    expect(() => splitter.next()).toThrow(WireError);
  }
});

test("the limit may widen between two frames of one chunk", () => {
  const splitter = new FrameSplitter(8);
  splitter.push(framed(new Uint8Array(8), new Uint8Array(100)));
  expect(splitter.next()?.length).toBe(8);
  splitter.lengthMax = 100;
  expect(splitter.next()?.length).toBe(100);
  expect(splitter.next()).toBe(null);
});
