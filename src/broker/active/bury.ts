/** Ending what a dead worker left active: it is told as ended, once, and taken out. */
import { commitEra, deleteActive, type Era, forgetEra, listEra } from "../../store/active_subscriptions.ts";
import type { Unread } from "../../store/set_aside.ts";
import { type Batch, jtiOf, takeBatch } from "./steps.ts";
import type { TrackDeps } from "./track.ts";

export type BuryDeps = Pick<TrackDeps, "kv" | "clock" | "worker" | "submit"> & { unread: Unread };

/** Nothing more can be written in an era once its record says who buries it. Throws `kv_failed` or `kv_timeout`. */
export async function bury(deps: BuryDeps, era: Era): Promise<void> {
  const { kv, clock, worker, unread } = deps;
  const taken = await commitEra(kv, { ...era, buriedBy: worker, nonce: crypto.randomUUID() });
  if (taken === undefined) return;
  const found = await listEra(kv, era.id, unread), at = clock.now();
  const left = found.map((subscription) => ({ subscription, active: false, at }));
  while (left.length > 0) await end(deps, era, takeBatch(left));
  await forgetEra(kv, era.id);
}

/** Told first: of what was taken out nobody could be told. After a crash it is the same batch again, and known. */
async function end({ kv, submit }: BuryDeps, { id }: Era, { steps, changes }: Batch): Promise<void> {
  const subscriptions = steps.map(({ subscription }) => subscription);
  await submit({ changes, jti: jtiOf(id, subscriptions[0]!.subscriber) });
  await deleteActive(kv, subscriptions);
}
