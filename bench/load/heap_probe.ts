/**
 * Loaded before the broker (`bun --preload`): answers each connection to the Unix socket named in
 * MILLRACE_HEAP_PROBE with the process's memory as one line of JSON. With collection switched off
 * (BUN_JSC_useGC=0) the JavaScript heap only grows, so its growth is what was allocated.
 */
const path = process.env["MILLRACE_HEAP_PROBE"];

if (path !== undefined) {
  const listener = Bun.listen({
    unix: path,
    socket: {
      open(socket) {
        const { heapTotal, rss } = process.memoryUsage();
        socket.end(`${JSON.stringify({ heapTotal, rss })}\n`);
      },
      data() {},
    },
  });
  listener.unref();
}
