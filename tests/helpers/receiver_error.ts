/** What a receiver's errors must be, and must not say. */
import { ReceiverError, type ReceiverErrorCode } from "../../src/client/receiver_error.ts";
import { equal } from "./assert.ts";

/** Expects a `ReceiverError` of this code. */
export async function failsAs(code: ReceiverErrorCode, running: Promise<unknown>): Promise<ReceiverError> {
  const thrown = await running.then(() => new Error("nothing was thrown"), (thrown: Error) => thrown);
  if (!(thrown instanceof ReceiverError)) throw thrown;
  equal(thrown.code, code);
  return thrown;
}
