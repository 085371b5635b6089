/**
 * Floor of Bun's event loop: every frame that arrives is answered with a fixed Produce response of one
 * partition, all answers of one `data` event in one write; nothing is parsed, checked or stored.
 *
 *   bun bench/floors/answer.ts [--topic bench] [--version 9]
 *
 * What a broker on one Bun loop loses against it is the broker's own work.
 */
import type { Socket } from "bun";

interface Peer {
  /** Bytes of a frame that has not arrived whole. */
  rest: Uint8Array | null;
}

const FLEXIBLE_SINCE = 9;
const ANSWERS_PER_WRITE_MAX = 4096;

function argument(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
}

function encodeAnswer(topic: string, version: number): Uint8Array {
  const flexible = version >= FLEXIBLE_SINCE;
  const name = new TextEncoder().encode(topic);
  const bytes: number[] = [0, 0, 0, 0, 0, 0, 0, 0];
  const int32 = (value: number): void => {
    bytes.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  };
  if (flexible) bytes.push(0, 2, name.length + 1);
  else int32(1), bytes.push(0, name.length);
  bytes.push(...name);
  if (flexible) bytes.push(2);
  else int32(1);
  int32(0); // partition
  bytes.push(0, 0); // no error
  for (const half of [0, 0, -1, -1, 0, 0]) int32(half); // base offset, append time, log start
  if (flexible) bytes.push(1, 0, 0, 0, 0, 0, 0, 0, 0);
  else int32(0), bytes.push(255, 255), int32(0);
  const answer = Uint8Array.from(bytes);
  new DataView(answer.buffer).setUint32(0, answer.length - 4);
  return answer;
}

const answer = encodeAnswer(argument("topic", "bench"), Number(argument("version", "9")));
const answers = new Uint8Array(answer.length * ANSWERS_PER_WRITE_MAX);
for (let i = 0; i < ANSWERS_PER_WRITE_MAX; i++) answers.set(answer, i * answer.length);

function onData(socket: Socket<Peer>, data: Uint8Array): void {
  const peer = socket.data;
  let bytes = data;
  if (peer.rest !== null) {
    bytes = new Uint8Array(peer.rest.length + data.length);
    bytes.set(peer.rest);
    bytes.set(data, peer.rest.length);
    peer.rest = null;
  }
  let at = 0;
  let out = 0;
  while (bytes.length - at >= 12) {
    const size =
      4 + ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (bytes.length - at < size) break;
    answers[out + 4] = bytes[at + 8]!;
    answers[out + 5] = bytes[at + 9]!;
    answers[out + 6] = bytes[at + 10]!;
    answers[out + 7] = bytes[at + 11]!;
    out += answer.length;
    at += size;
    if (out === answers.length) {
      socket.write(answers);
      out = 0;
    }
  }
  // A generator reads its answers; a peer that does not would lose some here, and be noticed.
  if (out > 0) socket.write(answers.subarray(0, out));
  if (at < bytes.length) peer.rest = bytes.slice(at);
}

const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { rest: null };
    },
    data: onData,
  },
});
console.log(`ready ${server.port}`);
