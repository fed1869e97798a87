/** Ending the subscriptions whose time has come. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import { endSubscriptions } from "../store/expiry.ts";
import { setAside } from "../store/set_aside.ts";

/** Ends looked at in one go, and how many at the most in one minute. */
const ENDS = 200;
const MAX_ENDS = 20_000;

type Deps = { kv: Deno.Kv; clock: Clock; log: Logger; metrics: Metrics };

/** Throws `kv_failed` or `kv_timeout`; the rest is ended the next minute. */
export async function endAll({ kv, clock, log, metrics }: Deps): Promise<void> {
  const unread = (key: Deno.KvKey) => setAside({ log, metrics }, "subscription", key);

  for (let ended = 0, some = ENDS; some === ENDS && ended < MAX_ENDS; ended += some) {
    some = await endSubscriptions(kv, clock.now(), ENDS, unread);
  }
}
