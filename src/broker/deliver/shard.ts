/** One shard that this worker owns: its windows and retries, how far it has read, and how that is written down. */
import type { Merged } from "../../model/merge.ts";
import type { Mutation } from "../../store/shards.ts";
import { deleteWindow, setWindow } from "../../store/windows.ts";
import type { DeliverDeps } from "./deps.ts";
import type { FanOut } from "./fan_out.ts";
import { insist } from "./insist.ts";
import { FENCE, type Lease, RENEW, type Snapshot } from "./lease.ts";
import { createRetries } from "./retries.ts";
import { addChange, createWindow, isForgettable, toRecord, type Window } from "./window.ts";

/** A delivery that takes longer, milliseconds, is written down as a retry: nobody waits for a slow push service. */
const PARK_AFTER = 1_000;

export type Shard = ReturnType<typeof createShard>;

/** `isFresh`: its owner before gave it back, so that what it wrote is what was. */
type Taken = { stopping: AbortSignal; isFresh: boolean };

export function createShard(deps: DeliverDeps, number: number, lease: Lease, { stopping, isFresh }: Taken) {
  const { clock } = deps;
  const leaving = new AbortController(), over = AbortSignal.any([stopping, leaving.signal]);
  const windows = new Map<string, Window>();
  const dirty = new Set<Window>();
  const sending = new Map<Window, FanOut>();
  const retries = createRetries(number);
  let extra: { mutations: Mutation[]; written: () => void }[] = [];
  let writing: Promise<void> | undefined;
  let applied = lease.cursor();

  /** Merges a change of a topic; answers its window. */
  function take(hash: string, topic: string, merged: Merged, load: number): Window {
    const found = windows.get(hash);
    const window = found ?? createWindow(hash, topic);
    if (!found) windows.set(hash, window);
    addChange(window, merged, clock.elapsed(), load);
    dirty.add(window);
    return window;
  }

  function snapshot(): Snapshot {
    for (const [window, fanOut] of sending) {
      fanOut.parkOlderThan(PARK_AFTER);
      window.sending!.position = fanOut.position();
      dirty.add(window);
    }
    const more = extra;
    extra = [];
    // Where it takes several commits: a window goes, or moves on, when what came of it is written; a handback as well.
    const mutations = [...retries.take(), ...more.flatMap(({ mutations }) => mutations), ...takeWindows()];
    const done = () => {
      retries.forget();
      for (const { written } of more) written();
    };
    return { cursor: applied, mutations, done };
  }

  function takeWindows(): Mutation[] {
    const mutations: Mutation[] = [];
    for (const window of dirty) {
      const record = toRecord(window, clock.elapsed());
      if (record) mutations.push(setWindow(number, window.hash, record));
      else if (window.stored) mutations.push(deleteWindow(number, window.hash));
      window.stored = record !== undefined;
    }
    dirty.clear();
    return mutations;
  }

  /** Writes down how far everything got. Throws when the database does not, or when the shard is lost. */
  function checkpoint(): Promise<void> {
    return writing ??= lease.write(snapshot).finally(() => writing = undefined);
  }

  function needsCheckpoint(): boolean {
    if (dirty.size > 0 || retries.isDirty() || extra.length > 0 || sending.size > 0) return true;
    return applied !== lease.cursor() && lease.age() >= RENEW;
  }

  /** Resolves when this worker surely owns the shard. Throws when it does not. */
  async function own(): Promise<void> {
    lease.lost.throwIfAborted();
    if (lease.isGivenBack()) throw new Error("the shard was given back");
    while (lease.age() >= FENCE) await ask(checkpoint);
  }

  const ask = <T>(call: () => Promise<T>) => insist(deps, { lost: lease.lost, stopping: over }, call);

  /** Forgets windows that nothing is left of. */
  function forget(): void {
    const now = clock.elapsed();
    for (const [hash, window] of windows) if (!window.queued && isForgettable(window, now)) windows.delete(hash);
  }

  /** Gives the shard back, with all that is written down. */
  async function release(): Promise<void> {
    await lease.write(snapshot, null);
  }

  return {
    number,
    deps,
    isFresh,
    windows,
    sending,
    retries,
    lost: lease.lost,
    isGivenBack: lease.isGivenBack,
    /** Aborts when this worker leaves, or gives the shard back: nothing more is begun. */
    stopping: over,
    leave: () => leaving.abort(),
    cursor: lease.cursor,
    /** Reads the journal as it comes; until then it catches up. */
    live: false,
    take,
    own,
    insist: ask,
    checkpoint,
    needsCheckpoint,
    /** Whether others, who see that there is work, may soon take its owner for dead. */
    isOld: () => lease.age() >= RENEW,
    forget,
    release,
    markDirty: (window: Window) => void dirty.add(window),
    /** Writes more with the next checkpoint, and calls `written` when it is. */
    writeToo: (mutations: Mutation[], written: () => void) => void extra.push({ mutations, written }),
    /** The versionstamp up to which changes are in windows. */
    get applied(): string {
      return applied;
    },
    set applied(versionstamp: string) {
      applied = versionstamp;
    },
  };
}
