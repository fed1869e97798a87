/** How many subscriptions an owner has, and a push service: what quotas are about. */
import { type Counts, serviceOf } from "../model/subscription.ts";
import { shortHash } from "../model/short_hash.ts";
import { withDeadline } from "./deadline.ts";
import type { Unread } from "./set_aside.ts";
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

const originOf = (address: string) => shortHash(serviceOf(address));

/** The counters are exact without contention: a commit that fails its check adds nothing. */
export async function countChange(
  kv: Deno.Kv,
  atomic: Deno.AtomicOperation,
  before: Kept | undefined,
  after: Kept | undefined,
): Promise<void> {
  const { owner, address } = (after ?? before)!.subscription, origin = originOf(address);
  const differences = Object.values(COUNTS).map(({ key, holds }) => ({
    key: key(owner, origin),
    difference: Number(after ? holds(after) : false) - Number(before ? holds(before) : false),
  })).filter(({ difference }) => difference !== 0);
  for (const { key, difference } of await withoutBroken(kv, differences)) {
    // KV has no subtraction, but its addition wraps around at 64 bits.
    atomic.sum(key, BigInt.asUintN(64, BigInt(difference)));
  }
}

/** To add to what is no counter makes the embedded database throw, and keep what stands before it in the commit. */
async function withoutBroken<T extends { key: Deno.KvKey }>(kv: Deno.Kv, counters: T[]): Promise<T[]> {
  if (counters.length === 0) return [];
  const entries = await withDeadline("reading counters", kv.getMany<unknown[]>(counters.map(({ key }) => key)));
  return counters.filter((_, n) => !isBroken(entries[n]!));
}

function isBroken({ value, versionstamp }: Deno.KvEntryMaybe<unknown>): boolean {
  return versionstamp !== null && !(value instanceof Deno.KvU64);
}

/** What an owner has, and what a push service. A counter that cannot be read counts nothing: it must lock nobody out. */
export async function countSubscriptions(
  kv: Deno.Kv,
  owner: string,
  address: string,
  unread: Unread = () => {},
): Promise<Counts> {
  const names = Object.keys(COUNTS) as (keyof Counts)[];
  const keys = names.map((name) => COUNTS[name].key(owner, originOf(address)));
  const entries = await withDeadline("counting subscriptions", kv.getMany<unknown[]>(keys));
  for (const entry of entries) if (isBroken(entry)) unread(entry.key);
  return Object.fromEntries(names.map((name, n) => [name, toCount(entries[n]!.value)])) as Counts;
}

/** Push services and webhooks that are added up. */
const MAX_SERVICES = 1_000;

/** All subscriptions, those of the first services where there are very many. */
export async function countAll(kv: Deno.Kv): Promise<{ confirmed: number; unconfirmed: number }> {
  const [confirmed, unconfirmed] = await Promise.all(["confirmed_at", "unconfirmed_at"].map((name) => sum(kv, name)));
  return { confirmed: confirmed!, unconfirmed: unconfirmed! };
}

async function sum(kv: Deno.Kv, name: string): Promise<number> {
  const entries = kv.list<unknown>({ prefix: ["count", name] }, { limit: MAX_SERVICES, batchSize: 500 });
  const counts = await withDeadline("counting all subscriptions", Array.fromAsync(entries, ({ value }) => value));
  return counts.map(toCount).reduce((sum, count) => sum + count, 0);
}

/** What was subtracted stands beyond the sign; a counter that is off must lock nobody out. */
function toCount(value: unknown): number {
  return value instanceof Deno.KvU64 ? Math.max(0, Number(BigInt.asIntN(64, value.value))) : 0;
}
