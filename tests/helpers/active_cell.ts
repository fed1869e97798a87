/** Workers of a cell that tell which subscriptions are active, and what was told, as the journal would hold it. */
import { getLogger } from "@logtape/logtape";
import { createActiveSubscriptions } from "../../src/broker/active_subscriptions.ts";
import { ALONE, createPresence } from "../../src/broker/presence.ts";
import type { Submission } from "../../src/broker/submission.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { Asked } from "../../src/model/active_subscription.ts";
import type { Change } from "../../src/model/change.ts";
import { manualClock } from "./clock.ts";
import { watchKv } from "./watched_kv.ts";

type Document = { id: string; subscriber: string; match: string; active: boolean };

export type Cell = ReturnType<typeof createCell>;
export type Member = Awaited<ReturnType<Cell["join"]>>;

export const exact = (match: string): Asked => ({ match, type: "exact" });

/** All workers have one clock; `refuse` is what happens instead of telling. */
export function createCell(database: Deno.Kv) {
  const clock = manualClock(), told: Change[] = [], known = new Set<string>();
  const cell = { clock, told, documents, truth, join, refuse: undefined as (() => Error | undefined) | undefined };

  /** As the journal: a `jti` that it knows is no second event. */
  function submit({ changes, jti }: Submission): Promise<string[]> {
    const fault = cell.refuse?.();
    if (fault) return Promise.reject(fault);
    if (known.has(jti!.jti)) return Promise.resolve([]);
    known.add(jti!.jti);
    told.push(...changes);
    return Promise.resolve([]);
  }

  function documents(): Document[] {
    return told.map(({ data }) => JSON.parse(data!));
  }

  /** What is active, as somebody knows it who was told everything. */
  function truth(): string[] {
    const active = new Map(documents().map(({ id, active }) => [id, active]));
    return [...active].filter(([, is]) => is).map(([id]) => id).sort();
  }

  /** A worker, and its own way to the database; `embedded`: there is no other. */
  async function join({ embedded = false, kv: way = database } = {}) {
    let streams = 0;
    const worker = crypto.randomUUID(), { kv, idle, kill } = watchKv(way);
    const presence = embedded ? ALONE : createPresence({ kv, clock, worker, matchers: () => [] });
    const metrics = createMetrics(), log = getLogger("carillon");
    const active = createActiveSubscriptions({ kv, clock, log, metrics, worker, presence, submit });

    /** Opens a stream, and answers what ends it. */
    function listen(...asked: Asked[]): () => void {
      const { opened, closed } = active.track(asked, `owner ${streams++}`);
      opened();
      return closed;
    }

    await presence.count();
    return { ...active, presence, worker, metrics, idle, kill, listen };
  }

  return cell;
}

/** Lets so many seconds pass, in which those who live show it. */
export async function pass(seconds: number, { clock }: Cell, ...living: Member[]): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.advance(5_000);
    for (const { presence, idle } of living) {
      await presence.count();
      await idle();
    }
  }
}
