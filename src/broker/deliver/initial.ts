/**
 * The initial push: a new address gets one, and nothing else until it was taken, so that nobody can aim us at a stranger
 * (CC/CD 70025: the gateway acknowledges a subscription by it).
 */
import type { Outcome } from "../../model/delivery.ts";
import { setAside } from "../../store/set_aside.ts";
import {
  findSubscription,
  forgetInitial,
  type Found,
  type Initial,
  listInitials,
  removeSubscription,
  saveSubscription,
  subscriptionKey,
} from "../../store/subscriptions.ts";
import { backOff } from "./back_off.ts";
import { ownerOf, send, withReason } from "./outcome.ts";
import type { Shard } from "./shard.ts";
import { createSlots } from "./slots.ts";

/** Tried at once, and looked for at once. */
const SLOTS = 128;
const LISTED = 500;

/** The initial pushes of one shard. */
export function createInitials(shard: Shard) {
  const { number, deps: { kv, clock } } = shard;
  const slots = createSlots(SLOTS);
  const trying = new Set<string>();

  /** Starts those that are due; says whether there may be more. Throws when the shard is lost. */
  async function run(): Promise<boolean> {
    const due = await shard.insist(() => listInitials(kv, number, clock.now(), LISTED));
    for (const each of due.filter(({ id }) => !trying.has(id))) {
      trying.add(each.id);
      await slots.start(() => pushOne(shard, each).finally(() => trying.delete(each.id)));
    }
    return due.length === LISTED;
  }

  return { run, settled: slots.settled };
}

type Due = { at: number; id: string };

async function pushOne(shard: Shard, due: Due): Promise<void> {
  const { kv } = shard.deps;
  if (shard.stopping.aborted) return;
  const found = await shard.insist(() => findSubscription(kv, due.id));
  if (found.unknown) return setAside(shard.deps, "subscription", subscriptionKey(due.id));
  if (found.kept?.initial?.at !== due.at) return await shard.insist(() => forgetInitial(kv, shard.number, due));
  const { attempt, until } = found.kept.initial, isLate = until <= shard.deps.clock.now();
  const outcome: Outcome = isLate ? { kind: "rejected" } : await send(shard, ownerOf(found.kept), undefined, attempt);
  while (!await shard.insist(() => conclude(shard, due, outcome)));
}

/** False when somebody else wrote meanwhile. An address that will never take a message can never be confirmed: it ends. */
async function conclude({ deps: { kv, clock, random } }: Shard, due: Due, outcome: Outcome): Promise<boolean> {
  const found = await findSubscription(kv, due.id);
  const initial = found.kept?.initial;
  if (initial?.at !== due.at) return true; // it has begun anew, or is over
  const isOver = outcome.kind === "rejected" && found.kept!.subscription.confirmed;
  if (outcome.kind === "delivered" || isOver) return await confirm(kv, found);
  if (outcome.kind !== "retry") return await removeSubscription(kv, found, clock.now());
  const later = Math.max(clock.now() + backOff(initial.attempt, random), outcome.at ?? 0);
  const at = Math.round(Math.min(initial.until, later));
  const next = { ...initial, attempt: initial.attempt + Number(outcome.tried), at };
  return await again(kv, found, withReason(next, outcome));
}

function confirm(kv: Deno.Kv, found: Found): Promise<boolean> {
  return saveSubscription(kv, found, { subscription: { ...found.kept!.subscription, confirmed: true } });
}

function again(kv: Deno.Kv, found: Found, initial: Initial): Promise<boolean> {
  return saveSubscription(kv, found, { ...found.kept!, initial });
}
