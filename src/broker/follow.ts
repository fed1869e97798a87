/** Following the journal: woken by the bell, each process reads what it has not seen, in order. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../clock.ts";
import { causeOf } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { type Batch, journalKey, readAfter, watchBell } from "../store/journal.ts";
import { setAside } from "../store/set_aside.ts";
import { followBell } from "./follow_bell.ts";
import type { SeenBatch } from "./ring.ts";

const PAGE = 100;

type Deps = {
  kv: Deno.Kv;
  /** The embedded database has one writer, who need not read back what it wrote. */
  embedded: boolean;
  /** The versionstamp of the last batch that was seen. */
  since: string;
  clock: Clock;
  random: () => number;
  log: Logger;
  metrics: Metrics;
  seen: (batch: SeenBatch) => void;
};

export type Follower = ReturnType<typeof createFollower>;

export function createFollower({ kv, embedded, since, clock, random, log, metrics, seen }: Deps) {
  let last = since;
  let reading: Promise<void> | undefined;
  let again = false;

  /** Resolves when everything is seen that was committed before the call. Throws `kv_failed` or `kv_timeout`. */
  async function catchUp(): Promise<void> {
    if (reading) {
      again = true;
      return await reading;
    }
    reading = read();
    await reading;
  }

  async function read(): Promise<void> {
    try {
      do {
        again = false;
        await readToEnd();
      } while (again);
    } finally {
      // In the same turn as the check above: whoever calls next starts a new read.
      reading = undefined;
    }
  }

  async function readToEnd(): Promise<void> {
    let batches: Batch[];
    do {
      batches = await readAfter(kv, last, PAGE);
      batches.forEach(take);
    } while (batches.length === PAGE);
  }

  function take({ versionstamp, bytes, changes }: Batch): void {
    if (changes) seen({ versionstamp, bytes, changes });
    else pass(versionstamp);
    last = versionstamp;
    metrics.batchesFollowed.inc();
  }

  function pass(versionstamp: string): void {
    metrics.batchesUnknown.inc();
    setAside({ log, metrics }, "batch", journalKey(versionstamp));
  }

  /** Reads soon; a fault is logged, and the poll tries again. */
  function kick(): void {
    catchUp().catch((thrown) => log.warning("the journal was not read: {code}", causeOf(thrown)));
  }

  /** The batch that the next one of this process would follow; undefined while it is not known for sure. */
  function position(): string | undefined {
    return embedded && !reading ? last : undefined;
  }

  /** Sees a batch that this process has just committed: without reading it back where it is known what it follows. */
  function offer(batch: SeenBatch, follows: string | undefined): void {
    if (follows === last && !reading) take(batch);
    else if (batch.versionstamp > last) kick();
  }

  /** Watches the bell and polls until the signal aborts. */
  async function run(signal: AbortSignal): Promise<void> {
    await followBell({ clock, random, watch: () => watchBell(kv), rung }, signal);
    await reading?.catch(() => {});
  }

  /** What this process has seen already rings too. */
  function rung(versionstamp?: string): void {
    if (versionstamp === undefined || versionstamp > last) kick();
  }

  return { catchUp, kick, position, offer, run };
}
