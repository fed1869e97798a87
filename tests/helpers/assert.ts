/** Node's own assertions under the names that the tests use. */
import assert from "node:assert/strict";
import { CarillonError, type ErrorCode } from "../../src/errors.ts";

export const equal = assert.deepStrictEqual as <T>(actual: T, expected: T, message?: string) => void;
export const throws: (call: () => unknown, type: new (message?: string) => Error) => void = assert.throws;
export const ok: (condition: unknown, message?: string) => asserts condition = assert.ok;

/** Expects a `CarillonError` of this code. */
export async function refuses(code: ErrorCode, call: () => unknown): Promise<CarillonError> {
  try {
    await call();
  } catch (thrown) {
    if (!(thrown instanceof CarillonError)) throw thrown;
    equal(thrown.code, code);
    return thrown;
  }
  throw new Error(`expected ${code}: nothing was thrown`);
}
