/**
 * Produce (0), versions 3-13, advertised from 0 (see wire/apis.ts): appends one batch to each partition.
 *
 * - acks: 0 has no answer, and an error ends the connection, because there is no other way to tell; 1
 *   and -1 are the same for a single replica: answered when the append may be acknowledged under the
 *   topic's flush mode. Anything else is INVALID_REQUIRED_ACKS for every partition.
 * - Exactly one batch a partition. No records, or null, is INVALID_RECORD (Kafka never answers the
 *   latter). zstd below version 7 is UNSUPPORTED_COMPRESSION_TYPE.
 * - Partitions succeed or fail each on its own; from version 8 on with a message and the records to
 *   blame. LogAppendTime is told in the answer.
 * - Requests are pipelined: offsets are decided in the order of arrival, before anything is awaited;
 *   answers leave in the same order. A batch that has to be unpacked first (another compression.type)
 *   holds up later ones to its partition, nothing else.
 * - Transactions are not coordinated yet: a transactional id is INVALID_TXN_STATE, a transactional batch
 *   without one TRANSACTIONAL_ID_AUTHORIZATION_FAILED, as in Kafka.
 * - An append that is not durable within the request's timeout is REQUEST_TIMED_OUT; it may still be.
 */
import type { Uuid } from "../../base/uuid.ts";
import { Codec } from "../../model/compression.ts";
import { ErrorCode } from "../../model/error_code.ts";
import { KafkaError } from "../../model/errors.ts";
import type { MonotonicMs } from "../../model/offsets.ts";
import {
  BATCH_HEADER_BYTES,
  CODEC_MASK,
  TRANSACTIONAL_BIT,
  attributesOf,
} from "../../model/record_batch.ts";
import { isInternalTopic } from "../../model/topic_name.ts";
import type { Partition } from "../../partition/partition.ts";
import type { AppendResult } from "../../log/append_result.ts";
import { produceRequest, produceResponse } from "../../wire/api/00_produce.ts";
import { findApi } from "../../wire/apis.ts";
import { encodeInto } from "../../wire/codec.ts";
import { decodeProduce } from "../../wire/produce_request.ts";
import type { PiecedProduceRequest } from "../../wire/produce_request.ts";
import type { Writer } from "../../wire/writer.ts";
import { NO_ANSWER, describeError, failCall } from "../call.ts";
import type { Call, Reply, ServedApi } from "../call.ts";
import { thisNode } from "../cluster_view.ts";
import type { SettlementWaiter } from "../settlements.ts";

const TOPIC_IDS_SINCE = 13;
const ZSTD_SINCE = 7;
const LEADER_HINT_SINCE = 10;
/** Time is looked at in steps of this order: a shorter timeout would be a coin toss. */
const TIMEOUT_MS_MIN = 1000;
const NOWHERE_ELSE: readonly ReturnType<typeof thisNode>[] = [];
/** Only Kafka's own tools may write to internal topics, under this client id. */
const ADMIN_CLIENT_ID = "__admin_client";

export const produce: ServedApi = {
  api: findApi(produceRequest.apiKey)!,
  isPipelined: true,
  serve(call, frame, bodyAt) {
    const request = decodeProduce(call.version, frame, bodyAt);
    new ProduceCall(call, request).start(request);
  },
};

/** One partition's part of the answer, in the terms of the declaration. */
interface PartitionAnswer {
  readonly index: number;
  errorCode: ErrorCode;
  baseOffset: number;
  logAppendTimeMs: number;
  logStartOffset: number;
  recordErrors?: readonly { batchIndex: number; batchIndexErrorMessage: string }[];
  errorMessage?: string;
  currentLeader?: { leaderId: number; leaderEpoch: number };
  /** Not for the wire: what the answer waits for. */
  settled: Promise<void> | null;
}

interface TopicAnswer {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionResponses: PartitionAnswer[];
}

class ProduceCall implements Reply, SettlementWaiter {
  readonly #call: Call;
  readonly #acks: number;
  readonly #deadline: number;
  readonly #responses: TopicAnswer[] = [];
  /** Appends that are not durable yet. */
  #pending = 0;
  #isDone = false;

  constructor(call: Call, request: PiecedProduceRequest) {
    this.#call = call;
    this.#acks = request.acks;
    this.#deadline = call.services.sweptAt + Math.max(request.timeoutMs, TIMEOUT_MS_MIN);
  }

  start(request: PiecedProduceRequest): void {
    let prepared: Promise<void>[] | null = null;
    for (const { name, topicId, partitionData } of request.topicData) {
      const partitionResponses: PartitionAnswer[] = [];
      this.#responses.push({ name, topicId, partitionResponses });
      for (const { index, records } of partitionData) {
        const answer = emptyAnswer(index);
        partitionResponses.push(answer);
        const partition = this.#check(request, name, topicId, index, records, answer);
        if (partition === null) continue;
        const appended = partition.appendInOrder(records!);
        if (appended instanceof Promise) (prepared ??= []).push(this.#takeLater(answer, appended));
        else this.#take(answer, appended);
      }
    }
    if (prepared === null) this.#waitForSettlement();
    else this.#waitForPreparation(prepared);
  }

  writeBody(writer: Writer, call: Call): void {
    const nodeEndpoints = this.#hasErrors() ? this.#leaderHint() : NOWHERE_ELSE;
    const value = { responses: this.#responses, throttleTimeMs: 0, nodeEndpoints };
    encodeInto(writer, produceResponse, call.version, value);
  }

  onSettled(settled: Promise<void>, error: unknown): void {
    if (this.#isDone) return;
    if (error !== null) this.#failSettled(settled, error);
    if (--this.#pending === 0) this.#finish();
  }

  onSweep(now: MonotonicMs): boolean {
    if (this.#isDone || now < this.#deadline || this.#acks === 0) return this.#isDone;
    for (const answer of this.#answers()) {
      if (answer.settled !== null && answer.errorCode === ErrorCode.NONE) {
        fail(answer, ErrorCode.REQUEST_TIMED_OUT, "not durable within the request's timeout");
      }
    }
    this.#finish();
    return true;
  }

  /** Null: `answer` says what is wrong. */
  #check(
    request: PiecedProduceRequest,
    name: string,
    topicId: Uuid,
    index: number,
    records: readonly Uint8Array[] | null,
    answer: PartitionAnswer,
  ): Partition | null {
    const { version, services, clientId } = this.#call;
    if (this.#acks < -1 || this.#acks > 1) {
      return fail(answer, ErrorCode.INVALID_REQUIRED_ACKS, "acks must be -1, 0 or 1");
    }
    const byId = version >= TOPIC_IDS_SINCE;
    const partition = byId
      ? services.store.partitions.findById(topicId, index)
      : services.store.partitions.find(name, index);
    if (partition === undefined) return fail(answer, this.#unknown(byId, topicId), null);
    if (isInternalTopic(partition.topic) && clientId !== ADMIN_CLIENT_ID) {
      return fail(answer, ErrorCode.INVALID_TOPIC_EXCEPTION, "only the broker writes to this topic");
    }
    if (request.transactionalId !== null) {
      return fail(answer, ErrorCode.INVALID_TXN_STATE, "transactions are not available yet");
    }
    const head = records?.[0];
    if (head === undefined || head.length < BATCH_HEADER_BYTES) {
      return fail(answer, ErrorCode.INVALID_RECORD, "exactly one record batch is needed");
    }
    const attributes = attributesOf(head, 0);
    if ((attributes & TRANSACTIONAL_BIT) !== 0) {
      return fail(answer, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "no transactional id");
    }
    if ((attributes & CODEC_MASK) === Codec.zstd && version < ZSTD_SINCE) {
      return fail(answer, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "zstd needs version 7 or later");
    }
    return partition;
  }

  #unknown(byId: boolean, topicId: Uuid): ErrorCode {
    // A topic that is known but lacks the partition is named by id all the same.
    const isKnown = byId && this.#call.services.store.image.topicById(topicId) !== undefined;
    return byId && !isKnown ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #take(answer: PartitionAnswer, appended: AppendResult): void {
    answer.logStartOffset = appended.logStartOffset;
    if (appended.ok) {
      answer.baseOffset = appended.baseOffset;
      answer.logAppendTimeMs = appended.logAppendTimeMs;
      answer.settled = appended.settled;
      return;
    }
    fail(answer, appended.errorCode, appended.message);
    if (appended.recordErrors !== undefined) {
      answer.recordErrors = appended.recordErrors.map(({ batchIndex, message }) => ({
        batchIndex,
        batchIndexErrorMessage: message,
      }));
    }
  }

  async #takeLater(answer: PartitionAnswer, appended: Promise<AppendResult>): Promise<void> {
    this.#take(answer, await appended);
  }

  #waitForPreparation(prepared: readonly Promise<void>[]): void {
    Promise.all(prepared).then(
      () => this.#waitForSettlement(),
      (error: unknown) => failCall(this.#call, error),
    );
  }

  #waitForSettlement(): void {
    const { settlements } = this.#call.services;
    for (const { partitionResponses } of this.#responses) {
      for (const { settled } of partitionResponses) {
        if (settled === null) continue;
        this.#pending++;
        settlements.wait(settled, this);
      }
    }
    if (this.#acks === 0) this.#finishSilently();
    else if (this.#pending === 0) this.#finish();
  }

  #finish(): void {
    this.#isDone = true;
    if (this.#acks === 0) return this.#abortOnError();
    this.#call.answer(this);
  }

  /** acks=0: the budget is given back at once; a failed write is told by ending the connection. */
  #finishSilently(): void {
    this.#abortOnError();
    this.#call.answer(NO_ANSWER);
  }

  #abortOnError(): void {
    if (!this.#hasErrors()) return;
    for (const answer of this.#answers()) {
      if (answer.errorCode === ErrorCode.NONE) continue;
      this.#call.caller.abort(`a produce request without answer failed with ${answer.errorCode}`);
      return;
    }
  }

  #failSettled(settled: Promise<void>, error: unknown): void {
    const isKnown = error instanceof KafkaError;
    const { logger } = this.#call.services;
    if (!isKnown) logger.error(`an append failed: ${describeError(error)}`);
    for (const answer of this.#answers()) {
      if (answer.settled !== settled) continue;
      const errorCode = isKnown ? error.errorCode : ErrorCode.UNKNOWN_SERVER_ERROR;
      fail(answer, errorCode, isKnown ? error.message : null);
    }
  }

  #hasErrors(): boolean {
    for (const { partitionResponses } of this.#responses) {
      for (const { errorCode } of partitionResponses) if (errorCode !== ErrorCode.NONE) return true;
    }
    return false;
  }

  /** KIP-951: who leads instead. */
  #leaderHint() {
    if (this.#call.version < LEADER_HINT_SINCE) return NOWHERE_ELSE;
    const { partitions, nodeId } = this.#call.services.store;
    let isNeeded = false;
    for (const { name, topicId, partitionResponses } of this.#responses) {
      for (const answer of partitionResponses) {
        if (answer.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) continue;
        const partition = partitions.find(name, answer.index) ?? partitions.findById(topicId, answer.index);
        if (partition === undefined) continue;
        answer.currentLeader = { leaderId: nodeId, leaderEpoch: partition.leaderEpoch };
        isNeeded = true;
      }
    }
    return isNeeded ? [thisNode(this.#call)] : NOWHERE_ELSE;
  }

  #answers(): PartitionAnswer[] {
    return this.#responses.flatMap(({ partitionResponses }) => partitionResponses);
  }
}

function emptyAnswer(index: number): PartitionAnswer {
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    settled: null,
  };
}

function fail(answer: PartitionAnswer, errorCode: ErrorCode, message: string | null): null {
  answer.errorCode = errorCode;
  answer.baseOffset = -1;
  answer.logAppendTimeMs = -1;
  answer.settled = null;
  if (message !== null) answer.errorMessage = message;
  return null;
}
