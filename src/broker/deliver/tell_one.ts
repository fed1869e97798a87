/** Telling one subscriber in a pass: at once, or together with what it could not be told before. */
import type { Outcome } from "../../model/delivery.ts";
import type { Merged } from "../../model/merge.ts";
import type { Subscriber } from "../../model/subscription.ts";
import { type ReadRetry, type Retry, retryKey, type RetryName } from "../../store/retries.ts";
import { setAside } from "../../store/set_aside.ts";
import type { Place } from "../../store/subscribers.ts";
import type { FanOut } from "./fan_out.ts";
import { conclude, endSubscription, postpone, send, toRetry } from "./outcome.ts";
import type { Entry } from "./retries.ts";
import type { Shard } from "./shard.ts";
import type { Window } from "./window.ts";

/** Milliseconds after which a delivery that was parked is tried again, should this process die: it times out before. */
const PARKED_FOR = 30_000;

/** Starts the delivery when there is a slot for it. `read` is the retry that KV holds for this subscriber. */
export async function tellOne(
  { shard, window: { hash, topic }, fanOut }: { shard: Shard; window: Window; fanOut: FanOut },
  subscriber: Subscriber,
  place: Place,
  told: Merged,
  read: ReadRetry | undefined,
): Promise<void> {
  const { retries, deps } = shard;
  const now = deps.clock.now();
  if (subscriber.expiresAt <= now) return fanOut.pass(place);
  const name = { hash, id: subscriber.id };
  if (read?.unknown) setAside(deps, "retry", retryKey(name));
  const retry = toRetry(topic, told, subscriber, now);
  if (retries.find(name, read)?.retry) retries.add(name, retry);
  else if (!subscriber.confirmed) retries.add(name, postpone(retry, { tried: false }, deps));
  else return await startOne();
  fanOut.pass(place);

  async function startOne(): Promise<void> {
    let parked: Entry | undefined;
    await fanOut.start(place, async () => {
      const outcome = await send(shard, subscriber, { topic, merged: told });
      await (parked ? conclude(shard, parked, outcome) : settle(shard, name, retry, outcome));
    }, () => {
      parked = retries.add(name, { ...retry, at: now + PARKED_FOR });
      parked.active = true;
    });
  }
}

async function settle(shard: Shard, name: RetryName, retry: Retry, outcome: Outcome): Promise<void> {
  const { retries, deps } = shard;
  if (outcome.kind === "gone" && !await endSubscription(deps, name.id)) outcome = { kind: "retry", tried: true };
  if (outcome.kind === "retry") retries.add(name, postpone(retry, outcome, deps));
}
