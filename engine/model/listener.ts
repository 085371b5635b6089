/**
 * Where a broker listens and what it tells clients: Kafka's `listeners`, `advertised.listeners`,
 * `listener.security.protocol.map` and `controller.listener.names`. Only PLAINTEXT is served; a
 * listener that promises encryption or authentication is refused, never served without it.
 */
export interface Listener {
  /** In capitals, as Kafka normalises names. */
  readonly name: string;
  /** A host name, an address without brackets, or "" for every address. */
  readonly host: string;
  readonly port: number;
}

export interface ListenerSettings {
  /** Served to clients. */
  readonly listeners: readonly Listener[];
  /** By listener name, only where configured: otherwise the address is the one the client reached. */
  readonly advertised: ReadonlyMap<string, Listener>;
  /** Named by `controller.listener.names`. Not opened: this process is the whole quorum. */
  readonly controllers: readonly Listener[];
}

export interface ListenerTexts {
  readonly listeners: readonly string[];
  readonly advertised: readonly string[];
  readonly controllerNames: readonly string[];
  /** "NAME:PROTOCOL,NAME:PROTOCOL" */
  readonly protocolMap: string;
}

const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
const EVERY_ADDRESS = new Set(["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]);
const PORT_MAX = 65_535;
const LISTENER_PATTERN = /^([^:/]+):\/\/(?:\[([0-9a-fA-F:.%a-z]+)\]|([^[\]:]*)):(\d+)$/;

/** The listener that `NAME://host:port` spells (`[...]` around IPv6), or null. */
export function parseListener(text: string): Listener | null {
  const match = LISTENER_PATTERN.exec(text.trim());
  if (match === null) return null;
  const port = Number(match[4]);
  if (port > PORT_MAX) return null;
  return { name: match[1]!.toUpperCase(), host: match[2] ?? match[3]!, port };
}

/** `NAME://host:port`, with brackets around IPv6. */
export function formatListener(listener: Listener): string {
  return `${listener.name}://${formatHostAndPort(listener.host, listener.port)}`;
}

export function formatHostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for hosts that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Adds one line to `problems` for each thing that is wrong; what is returned then is of no use. */
export function parseListeners(texts: ListenerTexts, problems: string[]): ListenerSettings {
  const all = parseEach("listeners", texts.listeners, problems);
  const protocols = parseProtocolMap(texts.protocolMap, problems);
  const controllerNames = new Set(texts.controllerNames.map((name) => name.toUpperCase()));
  const listeners = all.filter((listener) => !controllerNames.has(listener.name));
  const controllers = all.filter((listener) => controllerNames.has(listener.name));
  if (all.length > 0 && listeners.length === 0) {
    problems.push("listeners: every listener is named by controller.listener.names; clients need one");
  }
  checkDistinct(all, problems);
  for (const listener of listeners) checkProtocol(listener, protocols, problems);
  const advertised = parseAdvertised(texts, listeners, controllerNames, problems);
  return { listeners, advertised, controllers };
}

function parseEach(key: string, texts: readonly string[], problems: string[]): Listener[] {
  const parsed: Listener[] = [];
  for (const text of texts) {
    const listener = parseListener(text);
    if (listener !== null) parsed.push(listener);
    else problems.push(`${key}: "${text}" is not NAME://host:port, as in PLAINTEXT://[::1]:9092`);
  }
  return parsed;
}

function parseProtocolMap(text: string, problems: string[]): Map<string, string> {
  const protocols = new Map<string, string>();
  for (const entry of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [name, protocol, ...rest] = entry.split(":");
    const known = protocol !== undefined && PROTOCOLS.includes(protocol) && rest.length === 0;
    if (name === undefined || !known) {
      const wanted = `NAME:PROTOCOL (${PROTOCOLS.join(", ")})`;
      problems.push(`listener.security.protocol.map: "${entry}" is not ${wanted}`);
    } else protocols.set(name.toUpperCase(), protocol);
  }
  return protocols;
}

function checkDistinct(listeners: readonly Listener[], problems: string[]): void {
  const names = new Set<string>();
  for (const [index, listener] of listeners.entries()) {
    if (names.has(listener.name)) {
      problems.push(`listeners: the name ${listener.name} occurs twice`);
    }
    names.add(listener.name);
    const clash = listeners.slice(0, index).find((other) => sameSocket(other, listener));
    if (clash !== undefined) {
      problems.push(`listeners: ${clash.name} and ${listener.name} share the port ${listener.port}`);
    }
  }
}

function sameSocket(one: Listener, other: Listener): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || one.host === "" || other.host === "";
}

function checkProtocol(listener: Listener, protocols: Map<string, string>, problems: string[]): void {
  const protocol = protocols.get(listener.name);
  if (protocol === undefined) {
    problems.push(`listeners: no protocol for ${listener.name} in listener.security.protocol.map`);
  } else if (protocol !== "PLAINTEXT") {
    problems.push(`listeners: ${listener.name} asks for ${protocol}; only PLAINTEXT is available yet`);
  }
}

function parseAdvertised(
  texts: ListenerTexts,
  listeners: readonly Listener[],
  controllerNames: ReadonlySet<string>,
  problems: string[],
): Map<string, Listener> {
  const advertised = new Map<string, Listener>();
  for (const listener of parseEach("advertised.listeners", texts.advertised, problems)) {
    if (controllerNames.has(listener.name)) continue;
    if (!listeners.some((candidate) => candidate.name === listener.name)) {
      problems.push(`advertised.listeners: ${listener.name} is not among the listeners`);
    } else if (EVERY_ADDRESS.has(listener.host) || listener.host === "") {
      problems.push(`advertised.listeners: ${formatListener(listener)} is no address a client can reach`);
    } else if (advertised.has(listener.name)) {
      problems.push(`advertised.listeners: the name ${listener.name} occurs twice`);
    } else advertised.set(listener.name, listener);
  }
  return advertised;
}
