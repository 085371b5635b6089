/** What an assertion that holds costs: raw values against a message built from them. */
import { bench, group, run, summary } from "mitata";
import { assert } from "../../engine/base/assert.ts";

const ROUNDS = 1000;
const values = Int32Array.from({ length: ROUNDS }, (_, index) => index);

/** Each figure is for a thousand rounds of the loop; subtract that of the empty one. */
summary(() => {
  group(`${ROUNDS} checks`, () => {
    bench("no assertion", () => {
      let sum = 0;
      for (let index = 0; index < ROUNDS; index++) sum += values[index]!;
      return sum;
    });
    bench("assert with raw values", () => {
      let sum = 0;
      for (let index = 0; index < ROUNDS; index++) {
        const value = values[index]!;
        assert(value >= 0, "value below zero", value, index);
        sum += value;
      }
      return sum;
    });
    bench("assert with a template", () => {
      let sum = 0;
      for (let index = 0; index < ROUNDS; index++) {
        const value = values[index]!;
        assert(value >= 0, `value below zero: ${value} at ${index}`);
        sum += value;
      }
      return sum;
    });
  });
});

await run();
