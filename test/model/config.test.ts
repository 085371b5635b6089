/**
 * Configs: the tables hold every name of Kafka 4.3, texts are read as Kafka reads them, and what
 * cannot be served is refused in a line that says why.
 */
import { describe, expect, test } from "bun:test";
import { INT64_MAX } from "../../engine/base/int64.ts";
import { BrokerConfig, parseBrokerConfig } from "../../engine/model/broker_config.ts";
import { BROKER_CONFIGS, REFUSED_BROKER_CONFIGS } from "../../engine/model/broker_config_table.ts";
import { isInertBrokerConfig } from "../../engine/model/broker_config_inert.ts";
import { ConfigSource, formatConfigValue, parseConfigValue } from "../../engine/model/config_definition.ts";
import { LOG_CONFIG_DEFAULTS } from "../../engine/model/log_config.ts";
import { TOPIC_CONFIGS, topicConfigsInvalidReason } from "../../engine/model/topic_config.ts";

const parse = (properties: Record<string, string>, overrides: Record<string, string> = {}) =>
  parseBrokerConfig(new Map(Object.entries(properties)), new Map(Object.entries(overrides)));

const config = (properties: Record<string, string>): BrokerConfig => {
  const parsed = parse(properties);
  expect(parsed.problems).toEqual([]);
  return parsed.config!;
};

describe("values", () => {
  const cases: readonly [string, string, unknown][] = [
    ["retention.ms", " 10 ", 10],
    ["retention.ms", "+7", 7],
    ["retention.ms", "9223372036854775807", INT64_MAX],
    ["retention.ms", "9223372036854775808", null],
    ["retention.ms", "-2", null],
    ["retention.ms", "1.5", null],
    ["retention.ms", "", null],
    ["retention.bytes", "-5", -5],
    ["max.message.bytes", "2147483648", null],
    ["segment.bytes", "1048575", null],
    ["segment.bytes", "1048576", 1_048_576],
    ["preallocate", "TRUE", true],
    ["preallocate", "yes", null],
    ["min.cleanable.dirty.ratio", "1e-1", 0.1],
    ["min.cleanable.dirty.ratio", "1.1", null],
    ["cleanup.policy", "compact , delete", ["compact", "delete"]],
    ["cleanup.policy", "", []],
    ["cleanup.policy", "delete,delete", null],
    ["cleanup.policy", "compact,", null],
    ["compression.gzip.level", "0", null],
    ["compression.gzip.level", "-1", -1],
    ["message.timestamp.type", "createtime", null],
    ["leader.replication.throttled.replicas", "0:1,1:1", ["0:1", "1:1"]],
    ["leader.replication.throttled.replicas", "0-1", null],
  ];
  test.each(cases)("%s=%s", (name, text, expected) => {
    const parsed = parseConfigValue(TOPIC_CONFIGS.get(name)!, text);
    expect(parsed.ok ? parsed.value : null).toEqual(expected as never);
    if (!parsed.ok) expect(parsed.reason).toStartWith(`Invalid value ${text} for configuration ${name}: `);
  });

  test("are shown as Kafka shows them", () => {
    expect(formatConfigValue(INT64_MAX)).toBe("9223372036854775807");
    expect(formatConfigValue(["compact", "delete"])).toBe("compact,delete");
  });
});

describe("topic configs", () => {
  test("are Kafka 4.3's 34, and flush.mode", () => {
    expect(TOPIC_CONFIGS.size).toBe(35);
    expect([...TOPIC_CONFIGS.keys()]).toEqual([...TOPIC_CONFIGS.keys()].sort());
  });

  test("have defaults that are valid, and brokers to inherit from", () => {
    for (const definition of TOPIC_CONFIGS.values()) {
      if (definition.fallback !== null) {
        expect(parseConfigValue(definition, definition.fallback).ok, definition.name).toBe(true);
      }
      for (const synonym of definition.synonyms) {
        expect(BROKER_CONFIGS.has(synonym.name), synonym.name).toBe(true);
      }
      expect(definition.honoured, definition.name).not.toBe("");
    }
  });

  test("refuse what is not served, but only where the request sets it", () => {
    const values = new Map([["remote.storage.enable", "true"], ["retention.ms", "5"]]);
    expect(topicConfigsInvalidReason(values, ["retention.ms"])).toBeNull();
    expect(topicConfigsInvalidReason(values, values.keys())).toContain("tiered storage");
    const lag = new Map([["max.compaction.lag.ms", "1000"]]);
    expect(topicConfigsInvalidReason(lag, lag.keys())).toContain("compaction is not available");
  });

  test("refuse unknown names and contradictions in Kafka's words", () => {
    expect(topicConfigsInvalidReason(new Map([["a.b", "1"]]), [])).toBe("Unknown topic config name: a.b");
    const lags = new Map([["min.compaction.lag.ms", "9"], ["max.compaction.lag.ms", "8"]]);
    expect(topicConfigsInvalidReason(lags, [])).toBe(
      "conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)",
    );
  });
});

describe("broker configs", () => {
  test("know every name of Kafka 4.3 exactly once", () => {
    for (const name of BROKER_CONFIGS.keys()) {
      expect(isInertBrokerConfig(name) || REFUSED_BROKER_CONFIGS.has(name), name).toBe(false);
    }
    for (const name of ["num.io.threads", "ssl.keystore.location", "group.max.size", "listener.name.x.ssl.key"]) {
      expect(isInertBrokerConfig(name), name).toBe(true);
    }
    expect([...BROKER_CONFIGS.keys()]).toEqual([...BROKER_CONFIGS.keys()].sort());
  });

  test("have defaults that are valid", () => {
    for (const definition of BROKER_CONFIGS.values()) {
      if (definition.fallback === null) continue;
      expect(parseConfigValue(definition, definition.fallback).ok, definition.name).toBe(true);
    }
    expect(BrokerConfig.defaults().logConfig(new Map())).toEqual(LOG_CONFIG_DEFAULTS);
  });

  test("report each bad value in a line, what is unknown, and what has no effect", () => {
    const parsed = parse({
      "log.retention.hours": "x",
      "node.id": "-1",
      "log.dirs": "/a, /b",
      "zookeeper.connect": "localhost:2181",
      "num.network.threads": "3",
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    });
    expect(parsed.config).toBeNull();
    expect(parsed.problems).toEqual([
      "Invalid value x for configuration log.retention.hours: Not a number of type INT",
      "Invalid value -1 for configuration node.id: Value must be at least 0",
      "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer: " +
        "there is no authorization yet: everybody could do everything",
      "log.dirs: /a, /b are 2 directories; one is supported",
    ]);
    expect(parsed.unknown).toEqual(["zookeeper.connect"]);
    expect(parsed.withoutEffect).toEqual(["num.network.threads"]);
  });

  test("take Kafka's own example of a combined node", () => {
    const parsed = parse({
      "process.roles": "broker,controller",
      "node.id": "1",
      "controller.quorum.bootstrap.servers": "localhost:9093",
      "controller.quorum.voters": "1@localhost:9093",
      "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
      "inter.broker.listener.name": "PLAINTEXT",
      "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
      "controller.listener.names": "CONTROLLER",
      "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL",
      "log.dirs": "/tmp/kraft-combined-logs",
      "offsets.topic.replication.factor": "1",
      "log.retention.hours": "168",
    });
    expect(parsed.problems).toEqual([]);
    expect(parsed.unknown).toEqual([]);
    expect(parsed.config!.listeners.listeners).toEqual([{ name: "PLAINTEXT", host: "", port: 9092 }]);
    expect(parsed.config!.listeners.controllers).toHaveLength(1);
    expect(parsed.config!.listeners.advertised.get("PLAINTEXT")!.host).toBe("localhost");
    expect(parsed.config!.dataDirectory).toBe("/tmp/kraft-combined-logs");
  });

  test("read listeners with IPv6, and refuse the unclear ones", () => {
    const listeners = (text: string, more = {}) => parse({ listeners: text, ...more }).problems;
    expect(config({ listeners: "PLAINTEXT://[::1]:0" }).listeners.listeners[0])
      .toEqual({ name: "PLAINTEXT", host: "::1", port: 0 });
    expect(listeners("PLAINTEXT://::1:9092")[0]).toContain("is not NAME://host:port");
    expect(listeners("PLAINTEXT://h:99999")[0]).toContain("is not NAME://host:port");
    expect(listeners("SASL_SSL://h:9092")[0]).toContain("asks for SASL_SSL");
    expect(listeners("INSIDE://h:9092")[0]).toContain("no protocol for INSIDE");
    expect(listeners("PLAINTEXT://a:1,PLAINTEXT://b:2")[0]).toContain("occurs twice");
    const map = { "listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT" };
    expect(listeners("A://:1,B://h:1", map)[0]).toContain("share the port 1");
    expect(listeners("A://127.0.0.1:1,B://[::1]:1", map)).toEqual([]);
    expect(parse({ "advertised.listeners": "PLAINTEXT://0.0.0.0:9092" }).problems[0]).toContain("no address");
    expect(parse({ "advertised.listeners": "OTHER://h:9092" }).problems[0]).toContain("not among");
  });

  test("refuse what a single node is not", () => {
    expect(parse({ "process.roles": "broker" }).problems[0]).toContain("one node is both");
    expect(parse({ "controller.quorum.voters": "1@a:1,2@b:1" }).problems[0]).toContain("2 controllers");
    expect(parse({ "controller.quorum.voters": "2@a:1" }).problems[0]).toContain("must be this node, 1");
    expect(parse({ "node.id": "1", "broker.id": "2" }).problems[0]).toContain("differ");
    expect(parse({ "log.retention.ms": "0" }).problems[0]).toContain("log.retention.ms must be");
    expect(parse({ "log.cleaner.max.compaction.lag.ms": "5" }).problems[0]).toContain("compaction is not available");
    expect(config({ "broker.id": "7" }).nodeId).toBe(7);
  });

  test("give topics their defaults, milliseconds before minutes before hours", () => {
    const retention = (properties: Record<string, string>) =>
      config(properties).logConfig(new Map()).retentionMs;
    expect(retention({ "log.retention.hours": "2" })).toBe(7_200_000);
    expect(retention({ "log.retention.hours": "2", "log.retention.minutes": "3" })).toBe(180_000);
    expect(retention({ "log.retention.minutes": "3", "log.retention.ms": "4" })).toBe(4);
    expect(retention({ "log.retention.hours": "-1" })).toBe(-1);
    expect(config({ "log.flush.scheduler.interval.ms": "50" }).logConfig(new Map()).flushMs).toBe(50);
    expect(config({}).logConfig(new Map([["retention.ms", "9"]])).retentionMs).toBe(9);
  });

  test("let dynamic values win, this node's before everybody's, and leave out what may not change", () => {
    const fixed = config({ "log.retention.ms": "1000", "node.id": "3", "message.max.bytes": "5" });
    const changed = fixed.withDynamic(
      new Map([["log.retention.ms", "2000"], ["node.id", "9"], ["message.max.bytes", "wrong"]]),
      new Map([["log.retention.ms", "3000"]]),
    );
    expect(changed.logConfig(new Map()).retentionMs).toBe(3000);
    expect(changed.nodeId).toBe(3);
    expect(changed.number("message.max.bytes")).toBe(5);
    expect(changed.synonyms(["log.retention.ms", "log.retention.hours"])).toEqual([
      { name: "log.retention.ms", value: "3000", source: ConfigSource.DYNAMIC_BROKER },
      { name: "log.retention.ms", value: "2000", source: ConfigSource.DYNAMIC_DEFAULT_BROKER },
      { name: "log.retention.ms", value: "1000", source: ConfigSource.STATIC_BROKER },
      { name: "log.retention.hours", value: "168", source: ConfigSource.DEFAULT },
    ]);
  });

  test("take overrides before the file", () => {
    expect(parse({ "num.partitions": "2" }, { "num.partitions": "5" }).config!.number("num.partitions")).toBe(5);
  });
});
