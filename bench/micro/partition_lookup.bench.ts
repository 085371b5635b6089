/** Finding a partition by topic name and index: nested maps beside one map with a key string. */
import { bench, do_not_optimize, run, summary } from "mitata";

const TOPICS = 200;
const PARTITIONS = 50;
const nested = new Map<string, Map<number, object>>();
const flat = new Map<string, object>();
for (let topic = 0; topic < TOPICS; topic++) {
  const partitions = new Map<number, object>();
  for (let index = 0; index < PARTITIONS; index++) {
    const partition = {};
    partitions.set(index, partition);
    flat.set(`topic-${topic}:${index}`, partition);
  }
  nested.set(`topic-${topic}`, partitions);
}
const names = [...nested.keys()];
let turn = 0;

summary(() => {
  bench("nested maps", () => {
    turn = (turn + 7) % 10_000;
    return do_not_optimize(nested.get(names[turn % TOPICS]!)?.get(turn % PARTITIONS));
  });
  bench("one map, key strings", () => {
    turn = (turn + 7) % 10_000;
    return do_not_optimize(flat.get(`${names[turn % TOPICS]!}:${turn % PARTITIONS}`));
  });
});

await run();
