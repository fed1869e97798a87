/**
 * The initial push: a new address gets one, and nothing else until it was taken, so that nobody can aim us at a stranger
 * (CC/CD 70025: the gateway acknowledges a subscription by it).
 */
import type { Outcome } from "../../model/delivery.ts";
import {
  findSubscription,
  forgetInitial,
  type Found,
  type Initial,
  listInitials,
  removeSubscription,
  saveSubscription,
} from "../../store/subscriptions.ts";
import { backOff } from "./back_off.ts";
import { ownerOf, send } from "./outcome.ts";
import type { Shard } from "./shard.ts";

/** Tried at once. */
const MANY = 64;

/** Tries the initial pushes that are due; says whether there may be more. Throws when the shard is lost. */
export async function runInitials(shard: Shard): Promise<boolean> {
  const { number, deps: { kv, clock } } = shard;
  const due = await shard.insist(() => listInitials(kv, number, clock.now(), MANY));
  await Promise.all(due.map((each) => pushOne(shard, each)));
  return due.length === MANY;
}

async function pushOne(shard: Shard, due: { at: number; id: string }): Promise<void> {
  const { kv, metrics } = shard.deps;
  const found = await shard.insist(() => findSubscription(kv, due.id));
  if (found.unknown) return void metrics.recordsSetAside.inc({ kind: "subscription" });
  if (found.kept?.initial?.at !== due.at) return await shard.insist(() => forgetInitial(kv, shard.number, due));
  const isLate = found.kept.initial.until <= shard.deps.clock.now();
  const outcome: Outcome = isLate ? { kind: "rejected" } : await send(shard, ownerOf(found.kept), undefined);
  while (!await shard.insist(() => conclude(shard, due.id, outcome)));
}

/** False when somebody else wrote meanwhile. An address that will never take a message can never be confirmed: it ends. */
async function conclude({ deps: { kv, clock, random } }: Shard, id: string, outcome: Outcome): Promise<boolean> {
  const found = await findSubscription(kv, id);
  const initial = found.kept?.initial;
  if (!initial) return true;
  if (outcome.kind === "delivered") return await confirm(kv, found);
  if (outcome.kind !== "retry") return await removeSubscription(kv, found, clock.now());
  const at = Math.round(Math.max(clock.now() + backOff(initial.attempt, random), outcome.at ?? 0));
  return await again(kv, found, { ...initial, attempt: initial.attempt + Number(outcome.tried), at });
}

function confirm(kv: Deno.Kv, found: Found): Promise<boolean> {
  return saveSubscription(kv, found, { subscription: { ...found.kept!.subscription, confirmed: true } });
}

function again(kv: Deno.Kv, found: Found, initial: Initial): Promise<boolean> {
  return saveSubscription(kv, found, { ...found.kept!, initial });
}
