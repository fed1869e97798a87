/** What the database knows of subscriptions, in bounded scans: read again after a while, however many look. */
import type { Clock } from "../clock.ts";
import { SHARDS } from "../model/shard.ts";
import { serviceOf, type Transport } from "../model/subscription.ts";
import { countAll } from "../store/counts.ts";
import { type Due, listDue, readRetries } from "../store/retries.ts";
import { type Found, findSubscriptions, listSubscriptions } from "../store/subscriptions.ts";

/** Milliseconds that a survey is good for. */
const FRESH = 5_000;

/** Records that are looked at: their ids are hashes, so that they are a sample of all. */
const MAX_LOOKED_AT = 500;

/** What waits: of each shard so many are counted, and of all so many shown, the soonest. */
const MAX_COUNTED = 50, MAX_SHOWN = 10;

/** A topic that a subscription could not be told of yet; `tries` failed, the next is `at` (milliseconds since 1970). */
export type Waiting = { topic: string; transport: Transport; service: string; tries: number; at: number };

/** `isWhole`: what is said holds of all there are, not of the first ones alone. */
export type Survey = {
  confirmed: number;
  unconfirmed: number;
  transports: { counts: [Transport, number][]; lookedAt: number; isWhole: boolean };
  waiting: { soonest: Waiting[]; count: number; isWhole: boolean };
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
  const [counts, transports, waiting] = await Promise.all([countAll(kv), countTransports(kv), readWaiting(kv)]);
  return { ...counts, transports, waiting };
}

async function countTransports(kv: Deno.Kv): Promise<Survey["transports"]> {
  const found = await listSubscriptions(kv, MAX_LOOKED_AT), counts = new Map<Transport, number>();
  const kept = found.flatMap(({ kept }) => kept ?? []);
  for (const { subscription: { transport } } of kept) counts.set(transport, (counts.get(transport) ?? 0) + 1);
  return { counts: [...counts], lookedAt: kept.length, isWhole: found.length < MAX_LOOKED_AT };
}

async function readWaiting(kv: Deno.Kv): Promise<Survey["waiting"]> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => listDue(kv, shard, Infinity, MAX_COUNTED));
  const dues = await Promise.all(shards), all = dues.flat().sort((a, b) => a.at - b.at);
  const soonest = await describe(kv, all.slice(0, MAX_SHOWN));
  return { soonest, count: all.length, isWhole: dues.every(({ length }) => length < MAX_COUNTED) };
}

/** An entry of the index may be stale, and its subscription may have ended. */
async function describe(kv: Deno.Kv, dues: Due[]): Promise<Waiting[]> {
  const [retries, found] = await Promise.all([
    readRetries(kv, dues),
    findSubscriptions(kv, dues.map(({ id }) => id)),
  ]);
  return dues.flatMap(({ at }, n) => {
    const retry = retries[n]!.retry, of = ownOf(found[n]!);
    return retry?.at === at && of ? [{ topic: retry.topic, tries: retry.attempt, at, ...of }] : [];
  });
}

/** Of an address its service alone: the rest of it is a secret. */
function ownOf({ kept }: Found): Pick<Waiting, "transport" | "service"> | undefined {
  return kept && { transport: kept.subscription.transport, service: serviceOf(kept.subscription.address) };
}
