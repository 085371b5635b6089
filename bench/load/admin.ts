/**
 * Creates and deletes topics on any Kafka broker: CreateTopics 4, DeleteTopics 3 and Metadata 4, the last
 * versions that are not flexible, encoded by hand so that every peer is prepared the same way.
 */
const API_METADATA = 3;
const API_CREATE_TOPICS = 19;
const API_DELETE_TOPICS = 20;
const TIMEOUT_MS = 30_000;

class Writer {
  readonly bytes: number[] = [];
  int8(value: number): this {
    this.bytes.push(value & 255);
    return this;
  }
  int16(value: number): this {
    return this.int8(value >> 8).int8(value);
  }
  int32(value: number): this {
    return this.int16(value >> 16).int16(value);
  }
  string(text: string): this {
    const encoded = new TextEncoder().encode(text);
    this.int16(encoded.length);
    this.bytes.push(...encoded);
    return this;
  }
}

/** Sends one request over a connection of its own and returns what follows the correlation id. */
async function call(port: number, apiKey: number, version: number, body: Writer): Promise<DataView> {
  const head = new Writer().int16(apiKey).int16(version).int32(1).string("millrace-bench");
  const frame = new Writer().int32(head.bytes.length + body.bytes.length);
  frame.bytes.push(...head.bytes, ...body.bytes);
  const answer = Promise.withResolvers<DataView>();
  let received: number[] = [];
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, data) {
        received = received.concat([...data]);
        const view = new DataView(Uint8Array.from(received).buffer);
        if (view.byteLength >= 4 && view.byteLength >= 4 + view.getInt32(0)) {
          answer.resolve(new DataView(view.buffer, 8));
        }
      },
      close() {
        answer.reject(new Error(`the broker closed the connection at API ${apiKey}`));
      },
    },
  });
  const timer = setTimeout(() => answer.reject(new Error(`no answer to API ${apiKey}`)), TIMEOUT_MS);
  socket.write(Uint8Array.from(frame.bytes));
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    socket.end();
  }
}

/** First error code in an answer of the form: throttle, [name, error code, ...]. */
function firstError(view: DataView): number {
  return view.getInt16(8 + 2 + view.getInt16(8));
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

export async function createTopic(port: number, topic: TopicSpec): Promise<void> {
  const body = new Writer().int32(1).string(topic.name).int32(topic.partitions).int16(1).int32(0);
  const configs = Object.entries(topic.configs);
  body.int32(configs.length);
  for (const [name, value] of configs) body.string(name).string(value);
  body.int32(TIMEOUT_MS).int8(0);
  const error = firstError(await call(port, API_CREATE_TOPICS, 4, body));
  if (error !== 0) throw new Error(`creating topic ${topic.name}: error code ${error}`);
  await waitForLeader(port, topic.name);
}

export async function deleteTopic(port: number, name: string): Promise<void> {
  const body = new Writer().int32(1).string(name).int32(TIMEOUT_MS);
  const error = firstError(await call(port, API_DELETE_TOPICS, 3, body));
  if (error !== 0) throw new Error(`deleting topic ${name}: error code ${error}`);
}

/** Brokers that Metadata names. */
export async function countBrokers(port: number): Promise<number> {
  const body = new Writer().int32(0).int8(0);
  return (await call(port, API_METADATA, 4, body)).getInt32(4);
}

/** A topic serves once Metadata names it without an error and with a leader. */
async function waitForLeader(port: number, name: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const body = new Writer().int32(1).string(name).int8(0);
    const error = topicError(await call(port, API_METADATA, 4, body));
    if (error === 0) return;
    if (performance.now() > deadline) throw new Error(`topic ${name} got no leader: error ${error}`);
    await Bun.sleep(20);
  }
}

function topicError(view: DataView): number {
  const skipString = (at: number): number => at + 2 + Math.max(0, view.getInt16(at));
  let at = 4; // throttle
  const brokers = view.getInt32(at);
  at += 4;
  for (let i = 0; i < brokers; i++) at = skipString(skipString(at + 4) + 4);
  at = skipString(at) + 4; // cluster id, controller
  if (view.getInt32(at) !== 1) return -1;
  const topic = view.getInt16(at + 4);
  if (topic !== 0) return topic;
  at = skipString(at + 6) + 1;
  const partitions = view.getInt32(at);
  return partitions > 0 ? view.getInt16(at + 4) : 3;
}
