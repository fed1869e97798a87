/** Whether something of a shard is to be done that its cursor does not tell. */
import { listHandbacks, listPages } from "../../store/pages.ts";
import { listDue } from "../../store/retries.ts";
import { listInitials } from "../../store/subscriptions.ts";
import { hasWindows } from "../../store/windows.ts";
import type { DeliverDeps } from "./deps.ts";

export async function hasWork({ kv, clock }: DeliverDeps, shard: number): Promise<boolean> {
  const now = clock.now();
  const found = await Promise.all([
    hasWindows(kv, shard),
    listDue(kv, shard, now, 1),
    listInitials(kv, shard, now, 1),
    listPages(kv, { shard }, 1),
    listHandbacks(kv, shard, 1),
  ]);
  return found.some((each) => each === true || (Array.isArray(each) && each.length > 0));
}
