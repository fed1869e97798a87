/** What the database knows of subscriptions, in bounded scans: read again after a while, however many look. */
import type { Clock } from "../clock.ts";
import { SHARDS } from "../model/shard.ts";
import { serviceOf, type Transport } from "../model/subscription.ts";
import { countAll } from "../store/counts.ts";
import { type Due, listDue, readRetries } from "../store/retries.ts";
import { findSubscriptions, type Kept, listSubscriptions } from "../store/subscriptions.ts";

/** Milliseconds that a survey is good for. */
const FRESH = 5_000;

/** Records that are looked at: their ids are hashes, so that they are a sample of all. */
const MAX_LOOKED_AT = 500;

/** What waits: of each shard so many are found, of all so many looked at, and so many shown, the soonest. */
const MAX_DUE = 50, MAX_READ = 100, MAX_SHOWN = 10;

/**
 * A topic that a subscription could not be told of yet; without one, the message that comes first or tells of a new key. `tries` failed, the
 * next is `at`, milliseconds since 1970; `reason` is why the last was not taken.
 */
export type Waiting = {
  topic?: string;
  transport: Transport;
  service: string;
  tries: number;
  at: number;
  reason?: string;
};

/** `isWhole`: all there are were looked at. `waiting`: the soonest, and whether there are more. */
export type Survey = {
  confirmed: number;
  unconfirmed: number;
  transports: { counts: [Transport, number][]; lookedAt: number; isWhole: boolean };
  waiting: { soonest: Waiting[]; isWhole: boolean };
};

export type ReadSurvey = () => Promise<Survey>;

/** Throws `kv_failed` or `kv_timeout`. */
export function createSurvey({ kv, clock }: { kv: Deno.Kv; clock: Clock }): ReadSurvey {
  let last: { at: number; survey: Promise<Survey> } | undefined;
  return async () => {
    if (!last || clock.elapsed() - last.at >= FRESH) last = { at: clock.elapsed(), survey: survey(kv) };
    return await last.survey;
  };
}

async function survey(kv: Deno.Kv): Promise<Survey> {
  const [counts, found, dues] = await Promise.all([countAll(kv), listSubscriptions(kv, MAX_LOOKED_AT), readDues(kv)]);
  const kept = found.flatMap(({ kept }) => kept ?? []), isWhole = found.length < MAX_LOOKED_AT;
  const all = [...kept.flatMap(toFirst), ...await toRetries(kv, dues.slice(0, MAX_READ))].sort(bySoonest);
  return {
    ...counts,
    transports: { counts: countTransports(kept), lookedAt: kept.length, isWhole },
    waiting: { soonest: all.slice(0, MAX_SHOWN), isWhole: all.length <= MAX_SHOWN && dues.length <= MAX_READ },
  };
}

const bySoonest = (a: { at: number }, b: { at: number }) => a.at - b.at;

function countTransports(kept: Kept[]): [Transport, number][] {
  const counts = new Map<Transport, number>();
  for (const { subscription: { transport } } of kept) counts.set(transport, (counts.get(transport) ?? 0) + 1);
  return [...counts];
}

async function readDues(kv: Deno.Kv): Promise<Due[]> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => listDue(kv, shard, Infinity, MAX_DUE));
  return (await Promise.all(shards)).flat().filter(isOurs).sort(bySoonest);
}

/** Whoever else wrote into the database must not keep the rest from being shown. */
function isOurs({ at, hash, id }: Due): boolean {
  return typeof at === "number" && typeof hash === "string" && typeof id === "string";
}

/** A message without a change. */
function toFirst({ subscription, initial }: Kept): Waiting[] {
  if (!initial) return [];
  const { attempt: tries, at, reason } = initial;
  return [{ ...whereTo(subscription), tries, at, reason }];
}

/** An entry of the index may be stale, its subscription may have ended, or has to take its first message before. */
async function toRetries(kv: Deno.Kv, dues: Due[]): Promise<Waiting[]> {
  const ids = dues.map(({ id }) => id);
  const [retries, found] = await Promise.all([readRetries(kv, dues), findSubscriptions(kv, ids)]);
  return dues.flatMap(({ at }, n) => {
    const retry = retries[n]!.retry, kept = found[n]!.kept;
    if (retry?.at !== at || !kept?.subscription.confirmed) return [];
    const { topic, attempt: tries, reason } = retry;
    return [{ topic, tries, at, reason, ...whereTo(kept.subscription) }];
  });
}

/** Of an address its service alone: the rest of it is a secret. */
function whereTo({ transport, address }: Kept["subscription"]): Pick<Waiting, "transport" | "service"> {
  return { transport, service: serviceOf(address) };
}
