import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EAGAIN, ENOSYS, EPIPE } from "../../native/errno.ts";
import { type Native, SHUTDOWN_WRITE } from "../../native/native.ts";
import { type TcpPair, tcpPair } from "./tcp_pair.ts";

const FILE_BYTES = 8 << 20;

/** What every build promises about sockets: all of it, or -ENOSYS for all of it. */
export function socketsContract(native: Native): void {
  if (!native.capabilities.sendfile) {
    test("sockets answer -ENOSYS", () => {
      const bytes = new Uint8Array(1);
      expect(native.sendfile(0, 0, 0, 1)).toBe(-ENOSYS);
      expect(native.sendHeadAndFile(0, bytes, 1, 0, 0, 1)).toBe(-ENOSYS);
      expect(native.send(0, bytes, 0, 1)).toBe(-ENOSYS);
      expect(native.recv(0, bytes, 0, 1)).toBe(-ENOSYS);
      expect(native.recvDiscard(0, 1)).toBe(-ENOSYS);
      expect(native.setSendBuffer(0, 1)).toBe(-ENOSYS);
      expect(native.setNoDelay(0, true)).toBe(-ENOSYS);
      expect(native.shutdownSocket(0, SHUTDOWN_WRITE)).toBe(-ENOSYS);
    });
    return;
  }

  describe("sockets", () => {
    let directory = "";
    let file = -1;
    let pair: TcpPair;
    const content = Uint8Array.from({ length: FILE_BYTES }, (_, i) => (i * 17 + (i >> 10)) & 0xff);

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "millrace-native-"));
      writeFileSync(join(directory, "file"), content);
      file = openSync(join(directory, "file"), "r");
    });
    afterAll(() => {
      closeSync(file);
      rmSync(directory, { recursive: true, force: true });
    });
    beforeEach(() => {
      pair = tcpPair();
    });
    afterEach(() => pair.close());

    /** Takes exactly `length` bytes that are on their way over loopback. */
    function receive(length: number): Uint8Array {
      const target = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        const got = native.recv(pair.far, target, at, length - at);
        if (got === -EAGAIN) continue;
        expect(got).toBeGreaterThan(0);
        at += got;
      }
      return target;
    }

    test("send and recv move bytes, and say when they would wait", () => {
      const buffer = new Uint8Array(100);
      expect(native.recv(pair.far, buffer, 0, 100)).toBe(-EAGAIN);
      expect(native.send(pair.near, content, 1000, 50)).toBe(50);
      expect(receive(50)).toEqual(content.slice(1000, 1050));
      expect(native.recv(pair.far, buffer, 0, 100)).toBe(-EAGAIN);
    });

    test("recv answers 0 after the peer's shutdown", () => {
      expect(native.shutdownSocket(pair.near, SHUTDOWN_WRITE)).toBe(0);
      const buffer = new Uint8Array(10);
      let result = -EAGAIN;
      while (result === -EAGAIN) result = native.recv(pair.far, buffer, 0, 10);
      expect(result).toBe(0);
    });

    test("recvDiscard drops bytes in order", () => {
      expect(native.send(pair.near, content, 0, 1000)).toBe(1000);
      expect(receive(1)[0]).toBe(content[0]!);
      let dropped = 0;
      while (dropped < 900) {
        const result = native.recvDiscard(pair.far, 900 - dropped);
        if (result !== -EAGAIN) dropped += result;
      }
      expect(dropped).toBe(900);
      expect(receive(99)).toEqual(content.slice(901, 1000));
      expect(native.recvDiscard(pair.far, 10)).toBe(-EAGAIN);
    });

    test("sendfile sends the range asked for", () => {
      expect(native.sendfile(pair.near, file, 12_345, 5000)).toBe(5000);
      expect(receive(5000)).toEqual(content.slice(12_345, 17_345));
      expect(native.sendfile(pair.near, file, FILE_BYTES, 10)).toBe(0);
      expect(native.sendfile(pair.near, file, FILE_BYTES - 4, 10)).toBe(4);
      expect(receive(4)).toEqual(content.slice(FILE_BYTES - 4));
    });

    test("a full socket cuts short, then answers EAGAIN, and loses nothing", () => {
      let sent = 0;
      let result = 0;
      while ((result = native.sendfile(pair.near, file, sent, FILE_BYTES - sent)) > 0) sent += result;
      expect(result).toBe(-EAGAIN); // nobody reads: the buffers of loopback hold less than the file
      expect(sent).toBeLessThan(FILE_BYTES);
      const received = new Uint8Array(FILE_BYTES);
      let at = 0;
      while (at < FILE_BYTES) {
        const got = native.recv(pair.far, received, at, Math.min(300_000, FILE_BYTES - at));
        if (got !== -EAGAIN) at += got;
        result = native.sendfile(pair.near, file, sent, FILE_BYTES - sent);
        if (result !== -EAGAIN) sent += result;
      }
      expect(Buffer.compare(received, content)).toBe(0);
    });

    test("sendHeadAndFile sends the head, then the file", () => {
      const head = Uint8Array.of(9, 8, 7, 6, 5, 4);
      expect(native.sendHeadAndFile(pair.near, head, 4, file, 100, 3000)).toBe(3004);
      expect(receive(3004)).toEqual(Uint8Array.from([9, 8, 7, 6, ...content.slice(100, 3100)]));
      expect(native.sendHeadAndFile(pair.near, head, 6, file, 0, 0)).toBe(6);
      expect(receive(6)).toEqual(head);
      expect(native.sendHeadAndFile(pair.near, head, 0, file, 7, 20)).toBe(20);
      expect(receive(20)).toEqual(content.slice(7, 27));
    });

    test("sendHeadAndFile counts the head when the file falls short", () => {
      const head = Uint8Array.of(1, 2, 3);
      expect(native.sendHeadAndFile(pair.near, head, 3, file, FILE_BYTES - 2, 100)).toBe(5);
      expect(receive(5)).toEqual(Uint8Array.of(1, 2, 3, ...content.slice(-2)));
      const total = native.sendHeadAndFile(pair.near, head, 3, file, 0, FILE_BYTES);
      expect(total).toBeGreaterThan(3);
      expect(total).toBeLessThan(FILE_BYTES);
      expect(native.sendHeadAndFile(pair.near, head, 3, file, 0, 10)).toBe(-EAGAIN);
      expect(receive(total).subarray(0, 3)).toEqual(head);
    });

    test("a head that does not fit is cut, and no file bytes follow it", () => {
      const head = content.slice(0, FILE_BYTES);
      const sent = native.sendHeadAndFile(pair.near, head, FILE_BYTES, file, 0, FILE_BYTES);
      expect(sent).toBeGreaterThan(0);
      expect(sent).toBeLessThan(FILE_BYTES);
      expect(Buffer.compare(receive(sent), head.subarray(0, sent))).toBe(0);
      expect(native.recv(pair.far, new Uint8Array(1), 0, 1)).toBe(-EAGAIN);
    });

    test("a head that went out counts, even when the file cannot follow", () => {
      const head = Uint8Array.of(5, 6, 7);
      const EBADF = 9;
      expect(native.sendHeadAndFile(pair.near, head, 3, 1 << 30, 0, 10)).toBe(3);
      expect(native.sendHeadAndFile(pair.near, head, 0, 1 << 30, 0, 10)).toBe(-EBADF);
      native.shutdownSocket(pair.near, SHUTDOWN_WRITE); // what waited for more goes out
      expect(receive(3)).toEqual(head);
    });

    test("a peer that is gone answers EPIPE or ECONNRESET, and no signal kills us", () => {
      pair.close();
      const second = tcpPair();
      native.shutdownSocket(second.near, SHUTDOWN_WRITE);
      expect(native.send(second.near, content, 0, 10)).toBe(-EPIPE);
      expect(native.sendfile(second.near, file, 0, 10)).toBe(-EPIPE);
      expect(native.sendHeadAndFile(second.near, content, 3, file, 0, 10)).toBe(-EPIPE);
      second.close();
    });

    test("socket options take", () => {
      const before = native.getSendBuffer(pair.near);
      expect(before).toBeGreaterThan(0);
      expect(native.setSendBuffer(pair.near, 102_400)).toBe(0);
      expect(native.getSendBuffer(pair.near)).toBe(204_800); // the kernel doubles it
      expect(native.setReceiveBuffer(pair.far, 65_536)).toBe(0);
      expect(native.getReceiveBuffer(pair.far)).toBe(131_072);
      expect(native.setNoDelay(pair.near, true)).toBe(0);
      expect(native.setNoDelay(file, true)).toBeLessThan(0);
      expect(() => native.setSendBuffer(pair.near, -1)).toThrow("bad socket option");
    });

    test("a dup of a socket outlives the original", () => {
      const second = native.dup(pair.near);
      expect(second).toBeGreaterThan(2);
      native.close(pair.near);
      pair.forget(pair.near);
      expect(native.send(second, content, 0, 10)).toBe(10);
      expect(receive(10)).toEqual(content.slice(0, 10));
      native.close(second);
    });
  });
}
