/** How many subscriptions an owner has, and a push service: what quotas are about. */
import type { Counts } from "../model/subscription.ts";
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";
import type { Kept } from "./subscriptions.ts";

/** Where each is counted, and whether a subscription is one of them. */
const COUNTS: Record<
  keyof Counts,
  { key: (owner: string, origin: string) => Deno.KvKey; holds: (kept: Kept) => boolean }
> = {
  owned: { key: (owner) => ["count", "owned", owner], holds: () => true },
  ownedAt: { key: (owner, origin) => ["count", "owned_at", owner, origin], holds: () => true },
  unconfirmedOf: {
    key: (owner) => ["count", "unconfirmed_of", owner],
    holds: ({ subscription }) => !subscription.confirmed,
  },
  unconfirmedAt: {
    key: (_, origin) => ["count", "unconfirmed_at", origin],
    holds: ({ subscription }) => !subscription.confirmed,
  },
  confirmedAt: {
    key: (_, origin) => ["count", "confirmed_at", origin],
    holds: ({ subscription }) => subscription.confirmed,
  },
};

const originOf = (address: string) => shortHash(new URL(address).origin);

/** The counters are exact without contention: a commit that fails its check adds nothing. */
export function countChange(atomic: Deno.AtomicOperation, before: Kept | undefined, after: Kept | undefined): void {
  const { owner, address } = (after ?? before)!.subscription;
  for (const { key, holds } of Object.values(COUNTS)) {
    const difference = Number(after ? holds(after) : false) - Number(before ? holds(before) : false);
    // KV has no subtraction, but its addition wraps around at 64 bits.
    if (difference !== 0) atomic.sum(key(owner, originOf(address)), BigInt.asUintN(64, BigInt(difference)));
  }
}

/** What an owner has, and what a push service. */
export async function countSubscriptions(kv: Deno.Kv, owner: string, address: string): Promise<Counts> {
  const names = Object.keys(COUNTS) as (keyof Counts)[];
  const keys = names.map((name) => COUNTS[name].key(owner, originOf(address)));
  const entries = await withDeadline("counting subscriptions", kv.getMany<Deno.KvU64[]>(keys));
  return Object.fromEntries(names.map((name, n) => [name, toCount(entries[n]!.value?.value ?? 0n)])) as Counts;
}

/** What was subtracted stands beyond the sign; a counter that is off must lock nobody out. */
function toCount(value: bigint): number {
  return Math.max(0, Number(BigInt.asIntN(64, value)));
}
