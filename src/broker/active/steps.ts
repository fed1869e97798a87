/** Steps: each time that a subscription becomes active, or ends, and the update that tells of it. */
import { type ActiveSubscription, HUB_TYPE } from "../../model/active_subscription.ts";
import { type Change, DEFAULT_PRIORITY } from "../../model/change.ts";
import { encodeChange } from "../../store/batch.ts";
import { subscriptionDocument, subscriptionPath } from "../../wire/active_subscription.ts";
import type { Submission } from "../submission.ts";

/** Steps that are written together: KV allows 1,000 mutations a commit, and a batch of the journal 60 KiB. */
const MAX_STEPS = 400;
const MAX_BYTES = 48 * 1024;

/** `at` is when it was, milliseconds since 1970. */
export type Step = { subscription: ActiveSubscription; active: boolean; at: number };

/** Steps that are written together, and what is told of them. */
export type Batch = { steps: Step[]; changes: Change[] };

/** Takes the first steps that fit one batch; what is told is printed only now, for very many may wait. */
export function takeBatch(waiting: Step[]): Batch {
  const changes: Change[] = [];
  let bytes = 0;
  for (const step of waiting.slice(0, MAX_STEPS)) {
    const change = changeOf(step);
    bytes += encodeChange(change).bytes;
    if (changes.length > 0 && bytes > MAX_BYTES) break;
    changes.push(change);
  }
  return { steps: waiting.splice(0, changes.length), changes };
}

/** Mercure, "Subscription Events": private, of the hub's own type, about the path of the subscription. */
function changeOf({ subscription, active, at }: Step): Change {
  return {
    topics: [subscriptionPath(subscription)],
    private: true,
    priority: DEFAULT_PRIORITY,
    timestamp: at,
    type: HUB_TYPE,
    data: JSON.stringify(subscriptionDocument(subscription, active)),
  };
}

/** What tells a batch of them from its repetition, as the `jti` of a SET does. */
export function jtiOf(era: string, batch: string): NonNullable<Submission["jti"]> {
  return { iss: "active subscriptions", jti: `${era} ${batch}` };
}
