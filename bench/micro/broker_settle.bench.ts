/**
 * A hundred appends of one tick become durable together: one reaction for all of them (Settlements)
 * against a promise reaction for each.
 */
import { bench, run, summary } from "mitata";
import { Settlements } from "../../engine/broker/settlements.ts";

const REQUESTS = 100;
let told = 0;

const waiters = Array.from({ length: REQUESTS }, () => ({
  onSettled: () => void told++,
  onSweep: () => false,
}));

summary(() => {
  bench(`${REQUESTS} waits, one reaction`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const settlements = new Settlements();
    for (const waiter of waiters) settlements.wait(promise, waiter);
    resolve();
    await promise;
    return told;
  });
  bench(`${REQUESTS} waits, a reaction each`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const waiter of waiters) promise.then(() => waiter.onSettled(), () => waiter.onSettled());
    resolve();
    await promise;
    return told;
  });
});

await run();
