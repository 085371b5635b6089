import type { DirectorySettings } from "../log/directory_upkeep.ts";
import { DIRECTORY_SETTINGS_DEFAULTS } from "../log/directory_upkeep.ts";
import type { MetadataLogSettings } from "../metadata/metadata_log.ts";
import type { EndpointImage } from "../metadata/image.ts";
import type { BrokerConfig } from "../model/broker_config.ts";

/** PLAINTEXT, in the numbers of the protocol. */
const PLAINTEXT = 0;

/** Configs of the broker in the terms of the floors below. */
export function directorySettings(config: BrokerConfig): DirectorySettings {
  return {
    ...DIRECTORY_SETTINGS_DEFAULTS,
    retentionCheckIntervalMs: config.number("log.retention.check.interval.ms"),
    retentionFirstCheckMs: config.number("log.initial.task.delay.ms"),
    recoveryPointIntervalMs: config.number("log.flush.offset.checkpoint.interval.ms"),
    logStartIntervalMs: config.number("log.flush.start.offset.checkpoint.interval.ms"),
    highWatermarkIntervalMs: config.number("replica.high.watermark.checkpoint.interval.ms"),
    fileDeleteDelayMs: config.number("log.segment.delete.delay.ms"),
  };
}

export function metadataLogSettings(config: BrokerConfig): MetadataLogSettings {
  return {
    segmentBytes: config.number("metadata.log.segment.bytes"),
    segmentMs: config.number("metadata.log.segment.ms"),
    snapshotBytes: config.number("metadata.log.max.record.bytes.between.snapshots"),
    snapshotIntervalMs: config.number("metadata.log.max.snapshot.interval.ms"),
    retentionBytes: config.number("metadata.max.retention.bytes"),
    retentionMs: config.number("metadata.max.retention.ms"),
  };
}

/**
 * What the registration says of this node's listeners. Clients are told where they reached the broker,
 * so this is for the record alone: a Kafka that opens the directory registers anew.
 */
export function registeredEndpoints(config: BrokerConfig): EndpointImage[] {
  const { advertised, listeners } = config.listeners;
  return listeners.map((listener) => {
    const { host, name, port } = advertised.get(listener.name) ?? listener;
    return { name, host: host === "" ? "localhost" : host, port, securityProtocol: PLAINTEXT };
  });
}
