/**
 * Assertions for programmer errors only: an assert that fails is a bug in Millrace, never bad input.
 * Bytes from outside are checked by code that returns a reason instead.
 *
 * Pass raw values, never a template: `assert(ok, "text", a, b)` costs less than a nanosecond, a template
 * about ten (bench/micro/assert.bench.ts), so assertions stay on in production.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(
  condition: boolean,
  message: string,
  first?: unknown,
  second?: unknown,
): asserts condition {
  if (!condition) fail(message, first, second);
}

/** For a place that no execution may reach. */
export function unreachable(message: string, value?: unknown): never {
  fail(message, value, undefined);
}

function fail(message: string, first: unknown, second: unknown): never {
  const values = [first, second].filter((value) => value !== undefined).map(String);
  throw new AssertionError(values.length > 0 ? `${message}: ${values.join(", ")}` : message);
}
