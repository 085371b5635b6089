import { dlopen } from "bun:ffi";

/**
 * Two ends of one TCP connection over loopback as bare descriptors, so that no event loop reads from
 * or writes to them behind a test's back. Both are non-blocking. Sockets straight from the C library.
 */
export interface TcpPair {
  readonly near: number;
  readonly far: number;
  /** Closes what is still open. */
  close(): void;
  /** The test closed this end itself. */
  forget(fd: number): void;
}

const AF_INET = 2;
const SOCK_STREAM = 1;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;
const ADDRESS_BYTES = 16;

let c: ReturnType<typeof open> | null = null;

function open() {
  return dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    accept: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
}

function checked(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed`);
  return result;
}

export function tcpPair(): TcpPair {
  c ??= open();
  const { close, fcntl } = c;
  const address = new Uint8Array(4096); // large enough never to move
  new Uint16Array(address.buffer)[0] = AF_INET;
  address.set([127, 0, 0, 1], 4);
  const size = new Uint32Array(1024);
  size[0] = ADDRESS_BYTES;
  const listener = checked(c.socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(c.bind(listener, address, ADDRESS_BYTES), "bind");
  checked(c.listen(listener, 1), "listen");
  checked(c.getsockname(listener, address, size), "getsockname");
  const near = checked(c.socket(AF_INET, SOCK_STREAM, 0), "socket");
  checked(c.connect(near, address, ADDRESS_BYTES), "connect");
  const far = checked(c.accept(listener, null, null), "accept");
  close(listener);
  for (const fd of [near, far]) checked(fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
  const openFds = new Set([near, far]);
  return {
    near,
    far,
    close() {
      for (const fd of openFds) close(fd);
      openFds.clear();
    },
    forget: (fd) => openFds.delete(fd),
  };
}
