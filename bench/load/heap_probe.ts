/**
 * Loaded before the broker (`bun --preload`): answers each question on the Unix socket named in
 * MILLRACE_HEAP_PROBE with the process's memory as one line of JSON. With collection switched off
 * (BUN_JSC_useGC=0) the JavaScript heap only grows, so its growth is what was allocated, by type
 * of object too.
 */
import { heapStats } from "bun:jsc";

const path = process.env["MILLRACE_HEAP_PROBE"];

if (path !== undefined) {
  const listener = Bun.listen({
    unix: path,
    socket: {
      data(socket) {
        const { heapTotal } = process.memoryUsage();
        const { objectTypeCounts } = heapStats();
        socket.end(`${JSON.stringify({ heapTotal, objectTypeCounts })}\n`);
      },
    },
  });
  listener.unref();
}
