import type { Offset, TimestampMs } from "../model/offsets.ts";

/** One line of DescribeProducers. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: TimestampMs;
  readonly coordinatorEpoch: number;
  /** First offset of the open transaction; -1 when none is open. */
  readonly currentTxnStartOffset: Offset;
}

export class ProducerState {
  activeProducers(): ActiveProducer[] {
    throw new Error("not yet");
  }
}
