/** Replays of what is older than the ring: scans of the journal, shared between readers, a few at once. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { CarillonError } from "../errors.ts";
import type { Change } from "../model/change.ts";
import { type Batch, readAfter } from "../store/journal.ts";
import { comparePositions, type Position } from "../model/position.ts";
import { printEventId } from "../wire/event_id.ts";
import { printEvent } from "../wire/event_stream.ts";
import type { Ring } from "./ring.ts";

/** Batches read at once: ten are 640 KB at the most. */
const PAGE = 10;

/** Pages remembered: after a restart many readers come back to the same place. */
const PAGES = 16;

const MAX_SCANNING = 4;
const MAX_WAITING = 256;

/** A replay waits while its reader lets more than this wait, bytes; checked so often, at most for so long, milliseconds. */
const QUEUED = 256 * 1024;
const POLL = 20;
const PATIENCE = 30_000;

/** What a replay needs of a stream. */
export type Tape = {
  sees: (change: Change) => boolean;
  write: (text: string) => void;
  cut: () => void;
  /** Goes on from the ring, which covers the position at this very moment. */
  join: (at: Position) => void;
  readonly queued: number;
  readonly open: boolean;
};

/** Replays from a position to where the ring begins, and joins there; resolves then, or when the reader has gone. */
export type Replay = (from: Position, tape: Tape) => Promise<void>;

export type Replays = ReturnType<typeof createReplays>;

export function createReplays(
  { kv, ring, epoch, clock, log }: { kv: Deno.Kv; ring: Ring; epoch: string; clock: Clock; log: Logger },
) {
  const pages = new Map<string, Promise<Batch[]>>();
  const queue: (() => void)[] = [];
  let admitted = 0, scanning = 0;

  /** Reserves a replay, which must then be run. Throws `too_many_replays`. */
  function admit(): Replay {
    if (admitted >= MAX_SCANNING + MAX_WAITING) {
      throw new CarillonError("too_many_replays", "too many readers are catching up");
    }
    admitted++;
    return async (from, tape) => {
      await enter();
      try {
        await scan(from, tape);
      } catch {
        log.warning("a replay was given up: the journal was not read");
        tape.cut();
      } finally {
        exit();
      }
    };
  }

  async function enter(): Promise<void> {
    if (scanning < MAX_SCANNING) return void scanning++;
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function exit(): void {
    admitted--;
    const next = queue.shift();
    if (next) next();
    else scanning--;
  }

  async function scan(from: Position, tape: Tape): Promise<void> {
    // The event before `from` may share its batch: start behind the batch before it.
    let at = from;
    let batches = await readPage(before(from.versionstamp));
    while (tape.open && !ring.covers(at)) {
      if (batches.length === 0) return tape.join(ring.start);
      writePage(batches, at, tape);
      const last = batches.at(-1)!;
      at = { versionstamp: last.versionstamp, index: Number.MAX_SAFE_INTEGER };
      if (!await drained(tape)) return;
      batches = await readPage(last.versionstamp);
    }
    // In the same turn as the check above: the ring moves on with every batch.
    if (tape.open) tape.join(at);
  }

  function writePage(batches: Batch[], after: Position, tape: Tape): void {
    let text = "";
    for (const { versionstamp, changes } of batches) {
      changes?.forEach((change, index) => {
        const position = { versionstamp, index };
        if (comparePositions(position, after) <= 0 || !tape.sees(change)) return;
        text += printEvent(change.id ?? printEventId(epoch, position), change);
      });
    }
    if (text !== "") tape.write(text);
  }

  async function drained(tape: Tape): Promise<boolean> {
    for (let waited = 0; tape.open && tape.queued > QUEUED; waited += POLL) {
      if (waited >= PATIENCE) tape.cut();
      await clock.wait(POLL);
    }
    return tape.open;
  }

  /** Readers that stand at the same place share one read. */
  function readPage(after: string): Promise<Batch[]> {
    const found = pages.get(after);
    if (found) return found;
    const page = readAfter(kv, after, PAGE);
    pages.set(after, page);
    const forget = () => pages.delete(after);
    // A page that is not full may grow; one that failed is tried again.
    page.then((batches) => batches.length < PAGE && forget(), forget);
    if (pages.size > PAGES) pages.delete(pages.keys().next().value!);
    return page;
  }

  return { admit };
}

/** The versionstamp just before this one, which may be none that was ever given. */
function before(versionstamp: string): string {
  const number = BigInt(`0x${versionstamp}`);
  return (number === 0n ? number : number - 1n).toString(16).padStart(20, "0");
}
