/** Asking the database again and again until it answers: what is to be delivered can wait, but not be dropped. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../clock.ts";
import { causeOf } from "../../errors.ts";

/** Milliseconds until a database that failed is asked again. */
const PAUSE = 1_000;

/** Throws when what was asked for is `lost` to another worker, or the database fails while this one leaves. */
export async function insist<T>(
  { clock, log }: { clock: Clock; log: Logger },
  { lost, stopping }: { lost: AbortSignal; stopping: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  while (true) {
    try {
      return await call();
    } catch (thrown) {
      lost.throwIfAborted();
      if (stopping.aborted) throw thrown;
      log.warning("a delivery waits for the database: {code}", causeOf(thrown));
      await clock.wait(PAUSE, stopping);
    }
  }
}
