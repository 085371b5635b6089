/**
 * The public API: `import { openLog, startBroker } from "millrace"`.
 *
 *   await using log = await openLog({ dir: "./data", topic: "events" });
 *   const offset = await log.append({ key: "a", value: "hello" });
 *   for await (const record of log.read({ from: offset })) console.log(record.offset, record.value);
 */
export { openLog } from "./open_log.ts";
export type { OpenLogOptions } from "./open_log.ts";
export { startBroker } from "./start_broker.ts";
export type { EmbeddedBroker, StartBrokerOptions } from "./start_broker.ts";
export { EmbeddedLog } from "./embedded_log.ts";
export type { AppendOptions } from "./embedded_log.ts";
export type { ReadOptions, StoredBatch } from "./log_reader.ts";
export type { EmbeddedHeader, EmbeddedRecord } from "./record.ts";
export type { DirectoryOptions } from "./machine.ts";
export type { BrokerAddress } from "../broker/broker.ts";
export { AppendAborted } from "./append_aborted.ts";
export { DataDirectoryError, DiskFault, KafkaError, UsageError } from "../model/errors.ts";
export type { CodecName } from "../model/compression.ts";
export type { FlushMode } from "../model/log_config.ts";
export type { LogFields, Logger } from "../io/logger.ts";
export type { RecordHeader, StoredRecord } from "../model/records.ts";
