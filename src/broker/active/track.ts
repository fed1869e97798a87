/**
 * Tracking the event streams here: what becomes active, and what ends, is written and told in the order in which it happened,
 * one batch after the other, so that a stream neither waits for it nor costs a commit of its own.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../clock.ts";
import { CarillonError, causeOf } from "../../errors.ts";
import type { Asked } from "../../model/active_subscription.ts";
import { commitEra, deleteActive, type Era, forgetEra } from "../../store/active_subscriptions.ts";
import { newSubscriber } from "../../wire/active_subscription.ts";
import type { Submission } from "../submission.ts";
import { createBudget } from "./budget.ts";
import { type Batch, jtiOf, type Step, takeBatch } from "./steps.ts";

/** What may wait to be written; beyond it new streams are refused. */
const MAX_WAITING = 50_000;

/** Milliseconds until a database that failed is asked again. */
const PAUSE = 1_000;

/** To be called when the stream is open, and when it has ended. */
export type Tracked = { opened: () => void; closed: () => void };

export type TrackDeps = {
  kv: Deno.Kv;
  clock: Clock;
  log: Logger;
  worker: string;
  /** Commits the hub's own updates, also while this worker leaves. */
  submit: (submission: Submission) => Promise<unknown>;
};

type Listener = { subscriber: string; asked: Asked[] };

export type Tracker = ReturnType<typeof createTracker>;

export function createTracker({ kv, clock, log, worker, submit }: TrackDeps) {
  const open = new Set<Listener>(), stopping = new AbortController(), spend = createBudget(clock.elapsed);
  let era = newEra(), waiting: Step[] = [], batches = 0, hasGivenUp = false;
  let writing: Promise<void> | undefined;

  function newEra(): Era {
    return { id: crypto.randomUUID(), worker, nonce: "", versionstamp: null };
  }

  /** Throws `overloaded` when too much waits to be written, or `too_many_streams`. */
  function track(asked: Asked[], owner?: string): Tracked {
    if (waiting.length >= MAX_WAITING) {
      throw new CarillonError("overloaded", "the stream was refused: too many wait to be listed as active");
    }
    spend(owner, asked);
    const listener: Listener = { subscriber: newSubscriber(), asked };
    return {
      opened: () => void (open.add(listener), add(listener, true)),
      closed: () => void (open.delete(listener), add(listener, false)),
    };
  }

  function add({ subscriber, asked }: Listener, active: boolean): void {
    for (const each of asked) waiting.push({ subscription: { ...each, subscriber }, active, at: clock.now() });
    writing ??= writeAll();
  }

  async function writeAll(): Promise<void> {
    // What happens in this turn is one batch.
    await Promise.resolve();
    while (waiting.length > 0 && !hasGivenUp) await insist(takeBatch(waiting));
    // In the same turn as the check above: what happens next is written anew.
    writing = undefined;
  }

  /** Tries until it is written; a worker that leaves tries once, and whoever finds that it is gone ends the rest. */
  async function insist(batch: Batch): Promise<void> {
    const mine = era, jti = jtiOf(mine.id, `${batches++}`);
    mine.nonce = crypto.randomUUID();
    while (mine === era && !hasGivenUp && !await write(batch, mine, jti).then(() => true, failed)) {
      hasGivenUp = stopping.signal.aborted;
      await clock.wait(PAUSE, stopping.signal);
    }
  }

  function failed(thrown: unknown): false {
    log.warning("active subscriptions wait to be written: {code}", causeOf(thrown));
    return false;
  }

  /** Whoever is told finds it listed, or not any more; whatever a crash leaves over is listed, and ended by others. */
  async function write({ steps, changes }: Batch, mine: Era, jti: Submission["jti"]): Promise<void> {
    const those = (are: boolean) =>
      steps.filter(({ active }) => active === are).map(({ subscription }) => subscription);
    const begun = those(true), ended = those(false);
    if (begun.length > 0) {
      const written = await commitEra(kv, mine, begun);
      if (written === undefined) return begin(mine);
      mine.versionstamp = written;
    }
    await submit({ changes, jti });
    if (ended.length > 0) await deleteActive(kv, ended);
  }

  /** Others took this worker for dead, and end what it had written: what is open becomes active anew, by other names. */
  function begin(buried: Era): void {
    if (buried !== era) return;
    [era, waiting] = [newEra(), []];
    for (const listener of open) {
      listener.subscriber = newSubscriber();
      add(listener, true);
    }
  }

  /** Waits for what is to be written, once every stream has ended. */
  async function drain(): Promise<void> {
    stopping.abort();
    await writing;
    if (hasGivenUp || open.size > 0 || era.versionstamp === null) return;
    await forgetEra(kv, era.id).catch(failed);
  }

  return {
    track,
    drain,
    /** The era in which this worker writes. */
    era: () => era,
    begin,
  };
}
