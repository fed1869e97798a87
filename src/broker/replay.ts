/**
 * Catching up: streams that are behind are written to at their own speed, from the journal while they are older than the
 * ring, then from the ring, until what is left fits one chunk and they go live. Pages of the journal are shared.
 */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { Change } from "../model/change.ts";
import { forgetOldest } from "../model/forget_oldest.ts";
import { before, comparePositions, EARLIEST, type Position } from "../model/position.ts";
import { type Batch, journalKey, readAfter } from "../store/journal.ts";
import { readHorizon } from "../store/retention.ts";
import { setAside } from "../store/set_aside.ts";
import { printEventId } from "../wire/event_id.ts";
import { printEvent } from "../wire/event_stream.ts";
import { CHUNK } from "./chunks.ts";
import type { Ring } from "./ring.ts";

/** Batches read at once: ten are 600 KB at the most. */
const PAGE = 10;

/** Pages remembered, and for how long, milliseconds: after a restart many readers come back to the same place. */
const PAGES = 16;
const PAGE_LIFE = 10_000;

const MAX_READING = 4;
const MAX_RUNNING = 256;

/** How often a reader that is behind is looked at, milliseconds, and for how long it may take nothing. */
const POLL = 10;
export const PATIENCE = 30_000;

/** What catching up needs of a stream. */
export type Tape = {
  sees: (change: Change) => boolean;
  write: (text: string) => void;
  /** Says that something was pruned before it was read. */
  lost: () => void;
  cut: () => void;
  /** Writes a chunk of what the ring holds behind a position that it covers; answers where it ends, undefined when live. */
  advance: (at: Position) => Position | undefined;
  isBehind: () => boolean;
  isOpen: () => boolean;
};

type Deps = { kv: Deno.Kv; ring: Ring; epoch: string; clock: Clock; log: Logger; metrics: Metrics; patience?: number };

export type Replays = ReturnType<typeof createReplays>;

export function createReplays({ kv, ring, epoch, clock, log, metrics, patience = PATIENCE }: Deps) {
  const pages = new Map<string, { page: Promise<Batch[]>; until: number }>();
  const queue: (() => void)[] = [];
  const stopping = new AbortController();
  let running = 0, reading = 0;

  /** Throws `too_many_replays` when so many read the journal that one more would only wait. */
  function checkRoom(): void {
    if (running >= MAX_RUNNING) throw new CarillonError("too_many_replays", "too many readers are catching up");
  }

  /** Catches up from a position; resolves when the stream is live or gone. */
  async function run(from: Position, tape: Tape): Promise<void> {
    running++;
    try {
      await catchUp(from, tape);
    } catch {
      log.warning("a reader was cut while it caught up: the journal was not read");
      tape.cut();
    } finally {
      running--;
    }
  }

  async function catchUp(from: Position, tape: Tape): Promise<void> {
    let at: Position | undefined = from;
    while (at && await hasRoom(tape)) at = ring.covers(at) ? tape.advance(at) : await writeFromJournal(at, tape);
  }

  /** Waits until the reader has taken what was written; cuts it when its patience is over. False when it has gone. */
  async function hasRoom(tape: Tape): Promise<boolean> {
    for (let waited = 0; tape.isOpen() && tape.isBehind(); waited += POLL) {
      if (waited >= patience) tape.cut();
      await clock.wait(POLL, stopping.signal);
      if (stopping.signal.aborted) return false;
    }
    return tape.isOpen();
  }

  async function writeFromJournal(at: Position, tape: Tape): Promise<Position> {
    // The event before `at` may share its batch: begin behind the batch before it.
    const page = await readPage(before(at.versionstamp));
    if (comparePositions(at, EARLIEST) > 0 && at.versionstamp < await readHorizon(kv)) tape.lost();
    // What the follower has not seen yet comes live.
    const batches = page.filter(({ versionstamp }) => versionstamp <= ring.head.versionstamp);
    const next = writeBatches(batches, at, tape);
    if (next) return next;
    const last = batches.at(-1)?.versionstamp ?? "";
    return last > at.versionstamp ? { versionstamp: last, index: Number.MAX_SAFE_INTEGER } : await skipToRing(at);
  }

  /** Nothing was found between `at` and the ring; asked again, since a shared page may be older than the ring's start. */
  async function skipToRing(at: Position): Promise<Position> {
    const [next] = await readAfter(kv, at.versionstamp, 1);
    return next && next.versionstamp <= ring.start.versionstamp ? at : ring.start;
  }

  /** Writes one chunk's worth of what comes after `at`, and answers where it ends; undefined when all was written. */
  function writeBatches(batches: Batch[], at: Position, tape: Tape): Position | undefined {
    let text = "";
    let end: Position | undefined;
    for (const { versionstamp, changes } of batches) {
      if (!changes) setAside({ log, metrics }, "batch", journalKey(versionstamp));
      for (const [index, change] of (changes ?? []).entries()) {
        const position = { versionstamp, index };
        if (comparePositions(position, at) <= 0 || !tape.sees(change)) continue;
        if (text.length >= CHUNK) return (tape.write(text), end);
        text += printEvent(change.id ?? printEventId(epoch, position), change);
        end = position;
      }
    }
    if (text !== "") tape.write(text);
    return undefined;
  }

  /** Readers that stand at the same place share one read. */
  function readPage(after: string): Promise<Batch[]> {
    const found = pages.get(after);
    if (found && found.until > clock.now()) return found.page;
    const page = readInTurn(after);
    pages.set(after, { page, until: clock.now() + PAGE_LIFE });
    const forget = () => pages.delete(after);
    // A page that is not full may grow; one that failed is tried again.
    page.then((batches) => batches.length < PAGE && forget(), forget);
    forgetOldest(pages, PAGES);
    return page;
  }

  async function readInTurn(after: string): Promise<Batch[]> {
    if (reading >= MAX_READING) await new Promise<void>((resolve) => queue.push(resolve));
    else reading++;
    try {
      return await readAfter(kv, after, PAGE);
    } finally {
      const next = queue.shift();
      if (next) next();
      else reading--;
    }
  }

  return { checkRoom, run, stop: () => stopping.abort() };
}
