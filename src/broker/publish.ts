/**
 * Publishing by group commit: what arrives while a commit runs joins the next one. Whoever publishes hears back only
 * after the commit.
 */
import type { Logger } from "@logtape/logtape";
import { asCarillonError, CarillonError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import { append, type Draft, MAX_SEEN_A_COMMIT } from "../store/journal.ts";
import { printEventId } from "../wire/event_id.ts";
import type { Pace } from "./pace.ts";
import type { SeenBatch } from "./ring.ts";
import { fitting, isFull, prepare, type Submission, toDraft, type Waiting } from "./submission.ts";

/** What may wait for a commit, bytes; beyond it publishing answers 503 at once. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** A known `jti` costs one more round; so many rounds clear any batch of nine. */
const MAX_ROUNDS = MAX_SEEN_A_COMMIT + 1;

/** Full batches that are under way at once over KV Connect, where a commit mostly waits; a file writes one at a time. */
const MAX_IN_FLIGHT = 8;

type Deps = {
  kv: Deno.Kv;
  embedded: boolean;
  epoch: string;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  pace: Pace;
  /** Called after each commit, so that this process sees it without waiting for the bell. */
  committed: (batch: SeenBatch, follows: string | undefined) => void;
  /** The batch that the next one follows, where that is known: it is checked in the commit. */
  position: () => string | undefined;
  /** Deliveries are so far behind that more must not come. */
  isLagging: () => boolean;
};

export type Publisher = ReturnType<typeof createPublisher>;

export function createPublisher(deps: Deps) {
  const { kv, embedded, epoch, clock, log, metrics, pace, committed, position, isLagging } = deps;
  const waiting: Waiting[] = [], inFlight = new Set<Promise<void>>();
  const bySeen = new Map<string, Waiting>();
  let waitingBytes = 0, lastCommit = -Infinity;
  let draining = false;
  let pumping: Promise<void> | undefined;
  let full = new AbortController();

  /**
   * Commits the changes and answers their event ids; none when the `jti` was known, which is no error (RFC 8935 2.2).
   * Throws `too_large`, `draining`, `overloaded` (nothing stored), `kv_failed` or `kv_timeout` (send again).
   */
  function publish(submission: Submission): Promise<string[]> {
    if (draining) throw new CarillonError("draining", "this worker takes no more changes");
    return submit(submission);
  }

  /** As `publish`, also while this worker leaves: for what the broker itself has to say. */
  function submit(submission: Submission): Promise<string[]> {
    if (isLagging()) throw new CarillonError("overloaded", "deliveries are too far behind");
    const entry = prepare(submission);
    const twin = entry.seen === undefined ? undefined : bySeen.get(entry.seen);
    if (twin) return repeated(twin.promise);
    if (waitingBytes + entry.bytes > MAX_WAITING_BYTES) {
      throw new CarillonError("overloaded", "too much waits to be stored");
    }
    enqueue(entry);
    return entry.promise;
  }

  function enqueue(entry: Waiting): void {
    waiting.push(entry);
    waitingBytes += entry.bytes;
    if (entry.seen !== undefined) bySeen.set(entry.seen, entry);
    pumping ??= pump();
    if (isFull(waiting)) full.abort();
  }

  async function repeated(twin: Promise<string[]>): Promise<string[]> {
    await twin;
    metrics.replayed.inc();
    return [];
  }

  async function pump(): Promise<void> {
    while (waiting.length > 0 || inFlight.size > 0) {
      if (mayBegin()) await begin();
      else await Promise.race([...inFlight, untilFull()]);
    }
    // In the same turn as the check above: whoever publishes next starts a new pump.
    pumping = undefined;
  }

  function mayBegin(): boolean {
    if (waiting.length === 0 || inFlight.size === 0) return waiting.length > 0;
    return !embedded && inFlight.size < MAX_IN_FLIGHT && isFull(waiting);
  }

  async function begin(): Promise<void> {
    await linger();
    const batch = waiting.splice(0, fitting(waiting));
    for (const { bytes } of batch) waitingBytes -= bytes;
    const committing: Promise<void> = commit(batch).finally(() => inFlight.delete(committing));
    inFlight.add(committing);
  }

  async function linger(): Promise<void> {
    const pause = lastCommit + pace.gap() - clock.elapsed();
    if (pause <= 0 || isFull(waiting)) return;
    full = new AbortController();
    await clock.wait(pause, full.signal);
  }

  function untilFull(): Promise<void> {
    full = new AbortController();
    return new Promise((resolve) => full.signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  async function commit(batch: Waiting[]): Promise<void> {
    const stop = metrics.commitSeconds.startTimer();
    try {
      await commitRounds(batch);
    } catch (thrown) {
      fail(batch, asCarillonError(thrown));
    } finally {
      stop();
      for (const { seen } of batch) if (seen !== undefined) bySeen.delete(seen);
      lastCommit = clock.elapsed();
    }
  }

  /** Each round commits, drops at least one entry whose `jti` was known, or finds that it does not follow what it thought. */
  async function commitRounds(batch: Waiting[]): Promise<void> {
    for (let rest = batch, round = 0; rest.length > 0; round++) {
      if (round === MAX_ROUNDS) {
        throw new CarillonError("kv_failed", "committing a batch: its checks fail again and again");
      }
      const draft = { ...toDraft(rest, clock.now()), follows: round === 0 ? position() : undefined };
      const result = await append(kv, draft);
      if (result.ok) return acknowledge(rest, result.versionstamp, draft);
      const ours = draft.seen.map((hash) => result.known.get(hash)).find((known) => known?.nonce === draft.nonce);
      // KV Connect repeats a commit whose answer was lost: the checks then fail on our own writing.
      if (ours) return acknowledge(rest, ours.versionstamp, { ...draft, follows: undefined });
      rest = dropKnown(rest, result.known);
    }
  }

  function dropKnown(batch: Waiting[], known: Map<string, unknown>): Waiting[] {
    const [old, fresh] = [batch.filter(isKnown), batch.filter((entry) => !isKnown(entry))];
    for (const { resolve } of old) resolve([]);
    metrics.replayed.inc(old.length);
    return fresh;
    function isKnown({ seen }: Waiting): boolean {
      return seen !== undefined && known.has(seen);
    }
  }

  function acknowledge(batch: Waiting[], versionstamp: string, { value, follows }: Draft): void {
    let index = 0;
    for (const { changes, resolve } of batch) {
      resolve(changes.map(({ id }, offset) => id ?? printEventId(epoch, { versionstamp, index: index + offset })));
      index += changes.length;
    }
    metrics.changes.inc(index);
    pace.committed();
    committed({ versionstamp, bytes: value.byteLength, changes: batch.flatMap(({ changes }) => changes) }, follows);
  }

  function fail(batch: Waiting[], error: CarillonError): void {
    log.error("a batch was not committed: {code}", { code: error.code, submissions: batch.length });
    for (const { reject } of batch) reject(error);
    // What still waits was never tried: better a clear answer now than one more deadline each.
    const rest = waiting.splice(0);
    waitingBytes = 0;
    for (const { reject, seen } of rest) {
      if (seen !== undefined) bySeen.delete(seen);
      reject(new CarillonError("overloaded", "the database does not answer"));
    }
  }

  /** Takes no more; resolves when everything that was accepted has an outcome. */
  async function drain(): Promise<void> {
    draining = true;
    await pumping;
  }

  return { publish, submit, drain };
}
