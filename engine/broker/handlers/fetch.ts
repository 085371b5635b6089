/**
 * Fetch (1), versions 4-18: batches from the given offsets on, as they lie in the segment files.
 *
 * Planned, then executed: planning looks up file ranges and does no IO; the answer's head is encoded
 * around the ranges when its turn to leave has come, and the ranges go from the page cache to the
 * socket. Small ones are read and sent with the head.
 *
 * - Partitions are served in order: the first with records gives one whole batch at least, whatever the
 *   limits (KIP-74); later ones get what is left of `maxBytes`, itself at most `fetch.max.bytes`.
 * - A fetch is answered at once when
 *     A  it asks for nothing, or for no waiting (maxWaitMs 0, minBytes 0)
 *     B  a partition has an error, or diverged from the client (KIP-595)
 *     C  there are minBytes
 *   and else is parked (partition/fetch_wait.ts) until B or C holds, or
 *     D  maxWaitMs have passed, the peer ended its side, or the broker stops: then with what there is.
 * - Sessions (KIP-227) from version 7: an incremental answer leaves out partitions without news. Topic
 *   ids instead of names from version 13.
 * - read_committed ends at the last stable offset and names aborted transactions.
 * - A leader epoch that is not this broker's is FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH (KIP-320).
 *   There are no followers: a replica id is NOT_LEADER_OR_FOLLOWER.
 */
import { ZERO_UUID } from "../../base/uuid.ts";
import type { Cancel } from "../../io/clock.ts";
import type { EpochEnd } from "../../log/epoch_history.ts";
import type { FileRange } from "../../log/read_plan.ts";
import { ErrorCode } from "../../model/error_code.ts";
import { NO_EPOCH } from "../../model/offsets.ts";
import type { LeaderEpoch, Offset } from "../../model/offsets.ts";
import { ANSWER_NOW, parkFetch } from "../../partition/fetch_wait.ts";
import type { FetchPlan, Isolation, Partition } from "../../partition/partition.ts";
import { fetchRequest, fetchResponse } from "../../wire/api/01_fetch.ts";
import { findApi } from "../../wire/apis.ts";
import { decode, encodeInto } from "../../wire/codec.ts";
import { joinFrame } from "../../wire/frame_splitter.ts";
import type { InputOf, ValueOf } from "../../wire/schema.ts";
import type { Writer } from "../../wire/writer.ts";
import { FETCH_GATHER_BYTES_MAX, SMALL_FETCH_BYTES_MAX } from "../broker_limits.ts";
import { FileHole } from "../call.ts";
import type { Call, Reply, ServedApi } from "../call.ts";
import { checkLeaderEpoch, thisNode } from "../cluster_view.ts";
import type { AskedPartition, FetchContext, FetchPartition } from "../fetch_session.ts";

type Request = ValueOf<typeof fetchRequest>;
type Response = InputOf<typeof fetchResponse>;
type TopicAnswer = Response["responses"][number];
type PartitionAnswer = TopicAnswer["partitions"][number];

const TOPIC_IDS_SINCE = 13;
const REPLICA_STATE_SINCE = 15;
const LEADER_ENDPOINTS_SINCE = 16;
const LEADER_HINT_SINCE = 12;
const READ_COMMITTED = 1;
const NO_RECORDS = new Uint8Array(0);
const NOWHERE_ELSE: readonly ReturnType<typeof thisNode>[] = [];

export const fetch: ServedApi = {
  api: findApi(fetchRequest.apiKey)!,
  isPipelined: true,
  serve(call, frame, bodyAt) {
    const whole = joinFrame(frame);
    const at = whole === frame ? bodyAt : bodyAt - frame.start;
    const request = decode(fetchRequest, call.version, whole.bytes, at, whole.end);
    new FetchCall(call, request).start();
  },
};

/** One partition of the answer: what was planned, or what is wrong. */
interface Planned {
  readonly fetched: FetchPartition;
  readonly errorCode: ErrorCode;
  readonly plan: FetchPlan | null;
  readonly partition: Partition | null;
  readonly diverging: EpochEnd | null;
}

class FetchCall implements Reply {
  readonly #call: Call;
  readonly #byId: boolean;
  readonly #context: FetchContext;
  readonly #isolation: Isolation;
  readonly #isFollower: boolean;
  readonly #maxBytes: number;
  readonly #minBytes: number;
  readonly #maxWaitMs: number;
  #planned: readonly Planned[] = [];
  #cancel: Cancel | null = null;
  #gatheredBytes = 0;

  constructor(call: Call, request: Request) {
    const { store, sessions } = call.services;
    this.#call = call;
    this.#byId = call.version >= TOPIC_IDS_SINCE;
    this.#context = sessions.open(request, this.#byId);
    const isV15 = call.version >= REPLICA_STATE_SINCE;
    this.#isFollower = (isV15 ? request.replicaState.replicaId : request.replicaId) >= 0;
    this.#isolation = request.isolationLevel === READ_COMMITTED ? "committed" : "uncommitted";
    this.#maxBytes = Math.max(0, Math.min(request.maxBytes, store.config.number("fetch.max.bytes")));
    this.#minBytes = Math.max(0, Math.min(request.minBytes, this.#maxBytes));
    this.#maxWaitMs = request.maxWaitMs;
  }

  start(): void {
    if (this.#context.errorCode !== ErrorCode.NONE || this.#plan() || this.#maxWaitMs <= 0) {
      this.#finish();
      return;
    }
    this.#park();
  }

  #park(): void {
    this.#cancel = parkFetch(this.#call.services.clock, {
      partitions: this.#planned.map(({ fetched, partition }) => ({
        partition: partition!,
        available: () => this.#available(fetched),
      })),
      minBytes: this.#minBytes,
      maxWaitMs: this.#maxWaitMs,
      answer: () => this.#finishAnew(),
    });
    this.#call.onHurry = () => this.#finishAnew();
    this.#call.onAbandoned = () => this.#cancel?.();
  }

  /** What one partition would give by now. */
  #available(fetched: FetchPartition): number {
    const { errorCode, diverging, plan } = this.#planOne(fetched, this.#maxBytes, true);
    return errorCode !== ErrorCode.NONE || diverging !== null ? ANSWER_NOW : plan!.byteCount;
  }

  /** Plans all partitions anew. True when the answer need not wait (A, B, C). */
  #plan(): boolean {
    const planned: Planned[] = [];
    let left = this.#maxBytes;
    let bytes = 0;
    let isUrgent = false;
    for (const fetched of this.#context.partitions) {
      const one = this.#planOne(fetched, left, bytes === 0);
      planned.push(one);
      const count = one.plan?.byteCount ?? 0;
      bytes += count;
      left = Math.max(0, left - count);
      if (one.errorCode !== ErrorCode.NONE || one.diverging !== null) isUrgent = true;
    }
    this.#planned = planned;
    return isUrgent || planned.length === 0 || bytes >= this.#minBytes;
  }

  #planOne(fetched: FetchPartition, maxBytes: number, isFirst: boolean): Planned {
    const { asked } = fetched;
    const { partitions } = this.#call.services.store;
    const partition = this.#byId
      ? partitions.findById(fetched.topicId, asked.partition)
      : partitions.find(fetched.topic, asked.partition);
    if (partition === undefined) return failed(fetched, this.#unknown(fetched), null);
    if (this.#isFollower) return failed(fetched, ErrorCode.NOT_LEADER_OR_FOLLOWER, partition);
    const epochError = checkLeaderEpoch(partition, asked.currentLeaderEpoch as LeaderEpoch);
    if (epochError !== ErrorCode.NONE) return failed(fetched, epochError, partition);
    const end = endOfLastFetched(partition, asked);
    if (end === "unknown") return failed(fetched, ErrorCode.OFFSET_OUT_OF_RANGE, partition);
    const limit = Math.max(0, Math.min(asked.partitionMaxBytes, maxBytes));
    const plan = end === "same"
      ? partition.planRead(asked.fetchOffset as Offset, limit, this.#isolation, isFirst)
      : partition.planRead(partition.highWatermark, 0, this.#isolation, false);
    if (plan.errorCode !== ErrorCode.NONE) return failed(fetched, plan.errorCode, partition);
    const diverging = end === "same" ? null : end;
    return { fetched, errorCode: ErrorCode.NONE, plan, partition, diverging };
  }

  #unknown({ topicId }: FetchPartition): ErrorCode {
    const isUnknownId = this.#byId && this.#call.services.store.image.topicById(topicId) === undefined;
    return isUnknownId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #finishAnew(): void {
    this.#plan();
    this.#finish();
  }

  #finish(): void {
    this.#cancel?.();
    this.#call.answer(this);
  }

  writeBody(writer: Writer, call: Call): void {
    const { errorCode, sessionId } = this.#context;
    const responses = this.#answerTopics();
    const hinted = call.version >= LEADER_ENDPOINTS_SINCE && this.#planned.some(isMisled);
    const nodeEndpoints = hinted ? [thisNode(call)] : NOWHERE_ELSE;
    const value = { throttleTimeMs: 0, errorCode, sessionId, responses, nodeEndpoints };
    encodeInto(writer, fetchResponse, call.version, value);
  }

  #answerTopics(): TopicAnswer[] {
    const { session, isIncremental } = this.#context;
    const topics: { topic: string; topicId: typeof ZERO_UUID; partitions: PartitionAnswer[] }[] = [];
    this.#gatheredBytes = 0;
    for (const planned of this.#planned) {
      const { fetched } = planned;
      if (isIncremental && !hasNews(planned)) continue;
      if (session !== null) {
        fetched.toldHighWatermark = planned.plan?.highWatermark ?? -1;
        fetched.toldLogStartOffset = planned.plan?.logStartOffset ?? -1;
        if (isIncremental) session.rotate(fetched);
      }
      const { topic, topicId } = fetched;
      const last = topics.at(-1);
      const isSame = last !== undefined && last.topic === topic && last.topicId === topicId;
      const partitions = isSame ? last.partitions : [];
      if (!isSame) topics.push({ topic, topicId, partitions });
      partitions.push(this.#answerPartition(planned));
    }
    return topics;
  }

  #answerPartition(planned: Planned): PartitionAnswer {
    const { plan, partition, diverging, errorCode, fetched } = planned;
    const { nodeId } = this.#call.services.store;
    const answer: PartitionAnswer = {
      partitionIndex: fetched.index,
      errorCode,
      highWatermark: plan?.highWatermark ?? -1,
      lastStableOffset: plan?.lastStableOffset ?? -1,
      logStartOffset: plan?.logStartOffset ?? -1,
      abortedTransactions: plan?.abortedTransactions ?? null,
      records: plan === null || plan.byteCount === 0 ? NO_RECORDS : this.#recordsOf(plan),
    };
    if (this.#call.version < LEADER_HINT_SINCE) return answer;
    const currentLeader = isMisled(planned) && partition !== null
      ? { leaderId: nodeId, leaderEpoch: partition.leaderEpoch }
      : undefined;
    if (currentLeader === undefined && diverging === null) return answer;
    return { ...answer, currentLeader, divergingEpoch: diverging ?? undefined };
  }

  /**
   * Small ranges are read now and sent with the head; the others go from their files. What was read
   * stays valid until the answer is encoded.
   */
  #recordsOf({ ranges, byteCount }: FetchPlan): Uint8Array | FileHole {
    const { scratch } = this.#call.services;
    const start = this.#gatheredBytes;
    const fits = byteCount <= SMALL_FETCH_BYTES_MAX && start + byteCount <= FETCH_GATHER_BYTES_MAX;
    if (!fits || !ranges.every(isResident)) return new FileHole(ranges, byteCount);
    for (const { file, position, length } of ranges) {
      const got = file.read(scratch, this.#gatheredBytes, length, position);
      if (got < length) throw new Error(`${file.path} ended before a range that was to be sent`);
      this.#gatheredBytes += length;
    }
    return scratch.subarray(start, this.#gatheredBytes);
  }
}

function isResident({ file, position, length }: FileRange): boolean {
  return file.isResident(position, length);
}

function failed(
  fetched: FetchPartition,
  errorCode: ErrorCode,
  partition: Partition | null,
): Planned {
  return { fetched, errorCode, plan: null, partition, diverging: null };
}

/**
 * Whether the epoch of what the client fetched last (if it told) is the one that this log has there; if
 * not, where the logs part. "unknown": an epoch that this log has not had, or has forgotten.
 */
function endOfLastFetched(
  partition: Partition,
  { lastFetchedEpoch, fetchOffset }: AskedPartition,
): "same" | "unknown" | EpochEnd {
  if (lastFetchedEpoch === NO_EPOCH) return "same";
  const end = partition.endOffsetFor(lastFetchedEpoch as LeaderEpoch);
  if (end === null) return "unknown";
  const isSame = end.epoch === lastFetchedEpoch && end.endOffset >= fetchOffset;
  return isSame ? "same" : end;
}

function hasNews({ fetched, plan, errorCode, diverging }: Planned): boolean {
  if (plan === null || errorCode !== ErrorCode.NONE || diverging !== null) return true;
  return plan.byteCount > 0 || plan.highWatermark !== fetched.toldHighWatermark ||
    plan.logStartOffset !== fetched.toldLogStartOffset;
}

function isMisled({ errorCode }: Planned): boolean {
  return errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH;
}
