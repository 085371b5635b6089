import type { Disk } from "../io/disk.ts";
import type { LeaderEpoch, Offset } from "../model/offsets.ts";
import * as batch from "../model/record_batch.ts";
import { walkBatches } from "./check_batches.ts";
import type { BatchTools } from "./check_batches.ts";
import type { PartitionExtent } from "./check_partition.ts";
import type { CheckReport } from "./check_report.ts";
import { LogContinuity } from "./check_state.ts";
import { FileWindow } from "./check_window.ts";
import { EPOCH_CHECKPOINT_FILE, parseEpochCheckpoint } from "./epoch_checkpoint.ts";

/** Beside the metadata log: the vote and epoch of this node, one line of JSON. */
const QUORUM_STATE_FILE = "quorum-state";

/** `<end offset>-<epoch>.checkpoint`; `.part` while it is written, `.deleted` while it goes. */
const SNAPSHOT_NAME = /^(\d{20})-(\d{10})\.checkpoint(\.part|\.deleted)?$/;

export interface SnapshotCheck {
  readonly disk: Disk;
  readonly path: string;
  /** What every batch in it must carry. */
  readonly epoch: number;
  readonly tools: BatchTools;
  readonly report: CheckReport;
}

export function isMetadataFile(name: string): boolean {
  return name === QUORUM_STATE_FILE || SNAPSHOT_NAME.test(name);
}

/** Where the metadata log starts: at its first segment, or at the end of a snapshot (null: the former). */
export function metadataLogStart(disk: Disk, dir: string): Offset | null {
  const bytes = disk.readAll(`${dir}/${EPOCH_CHECKPOINT_FILE}`);
  const epochs = bytes === null ? null : parseEpochCheckpoint(bytes);
  const start = epochs !== null && epochs.ok ? epochs.value[0]?.startOffset : undefined;
  if (start === undefined) return null;
  const isSnapshotEnd = disk.list(dir).some((name) => Number(SNAPSHOT_NAME.exec(name)?.[1]) === start);
  return isSnapshotEnd ? start : null;
}

/** The snapshots and the quorum state in the directory of the metadata log. */
export function checkMetadataExtras(
  dir: string,
  extent: PartitionExtent | null,
  isClean: boolean,
  snapshotCheck: (path: string, epoch: number) => SnapshotCheck,
): void {
  const { disk, report } = snapshotCheck(dir, 0);
  for (const name of disk.list(dir)) {
    const match = SNAPSHOT_NAME.exec(name);
    if (match === null || match[3] !== undefined) continue;
    checkSnapshotFile(snapshotCheck(`${dir}/${name}`, Number(match[2])));
    const endOffset = Number(match[1]);
    if (extent !== null && endOffset > extent.logEnd) {
      report.warning(`${dir}/${name}`, `ends at ${endOffset}, the log at ${extent.logEnd}`);
    }
  }
  checkQuorumState(disk, dir, report, isClean);
}

/** A file of metadata in batches: header and footer are control batches, offsets start at 0. */
export function checkSnapshotFile(check: SnapshotCheck): void {
  const { disk, path, report, tools } = check;
  const size = disk.fileSize(path);
  const epochs = [{ epoch: check.epoch as LeaderEpoch, startOffset: 0 as Offset }];
  const continuity = new LogContinuity({ epochs, mayHaveGaps: false, logStart: 0 as Offset });
  continuity.begin(0 as Offset);
  const kinds: boolean[] = [];
  const file = disk.file(path);
  try {
    walkBatches(new FileWindow(file, size), size, tools,
      ({ scan, position, size: bytes, wrong }) => {
        for (const reason of [wrong, continuity.offsetReason(scan), continuity.epochReason(scan)]) {
          if (reason !== null) report.error(path, reason, position, position + bytes);
        }
        kinds.push((scan.attributes & batch.CONTROL_BIT) !== 0);
        report.advance(path, 0);
      },
      (damage) => {
        continuity.skipDamage();
        report.error(path, damage.message, damage.start, damage.end);
      },
    );
  } finally {
    file.close();
  }
  if (kinds[0] !== true || kinds.at(-1) !== true) report.error(path, "header or footer is missing");
}

function checkQuorumState(disk: Disk, dir: string, report: CheckReport, isClean: boolean): void {
  const path = `${dir}/${QUORUM_STATE_FILE}`;
  const bytes = disk.readAll(path);
  if (bytes === null) return report.warning(path, "missing");
  const wrong = (reason: string) => report.error(path, reason, 0, bytes.length);
  let state: Record<string, unknown>;
  try {
    state = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return wrong("not JSON");
  }
  if (state["data_version"] !== 0 && state["data_version"] !== 1) return wrong("unknown data_version");
  for (const key of ["leaderId", "leaderEpoch", "votedId"]) {
    if (!Number.isInteger(state[key])) return wrong(`${key} is missing or no integer`);
  }
  const epochBytes = disk.readAll(`${dir}/${EPOCH_CHECKPOINT_FILE}`);
  const epochs = epochBytes === null ? null : parseEpochCheckpoint(epochBytes);
  const latest = epochs !== null && epochs.ok ? epochs.value.at(-1)?.epoch : undefined;
  if (latest !== undefined && (state["leaderEpoch"] as number) < latest) {
    // Both are written at a start, this one last; where that was cut short, the log tells the epoch.
    const message = `leaderEpoch is ${state["leaderEpoch"]}, but the log has epoch ${latest}`;
    report.add(isClean ? "error" : "warning", path, message, 0, bytes.length);
  }
}
