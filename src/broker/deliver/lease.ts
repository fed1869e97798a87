/**
 * The lease of one shard. Every commit checks and moves the shard's version, so that whoever lost it cannot write; and it
 * renews the lease, by this process's own unjumping clock.
 */
import type { Clock } from "../../clock.ts";
import { commitShard, type Mutation } from "../../store/shards.ts";
import { chunksOf } from "./chunks.ts";

/** Milliseconds. An owner whose version has not moved for this long has lapsed, as others see it. */
export const LAPSE = 20_000;

/** An owner stops sending so long after its last renewal: well before anybody else may begin. */
export const FENCE = 10_000;

/** While there is work the lease is renewed at least so often. */
export const RENEW = 5_000;

/**
 * What is to be written in one go, though it may take several commits: whatever leads on must come before what it follows,
 * so that a crash between two repeats something and loses nothing. `done` is called once all is written.
 */
export type Snapshot = { cursor: string; mutations: Mutation[]; done: () => void };

type Deps = { kv: Deno.Kv; clock: Clock; worker: string; shard: number; versionstamp: string; cursor: string };

export type Lease = ReturnType<typeof createLease>;

export function createLease({ kv, clock, worker, shard, versionstamp, cursor }: Deps) {
  const lost = new AbortController();
  let renewedAt = clock.elapsed();
  let parts: Part[] = [];
  let writing: Promise<void> = Promise.resolve();
  let isGivenBack = false;

  /**
   * Writes a snapshot, in several commits where one is too small; the cursor moves with the last one. One write after the
   * other. Throws `kv_failed`, `kv_timeout`, when it is lost, or was given back, which is to have no owner.
   */
  function write(take: () => Snapshot, owner: string | null = worker): Promise<void> {
    return writing = writing.catch(() => {}).then(() => writeNow(take, owner));
  }

  /** A write whose outcome is unknown is repeated until it is known, before anything else. */
  async function writeNow(take: () => Snapshot, owner: string | null): Promise<void> {
    if (isGivenBack) throw new Error("the shard was given back");
    await finish();
    parts = split(take(), { cursor, worker, owner });
    isGivenBack = owner === null;
    await finish();
  }

  async function finish(): Promise<void> {
    while (parts.length > 0) {
      await commitPart(parts[0]!);
      parts.shift()!.done();
    }
  }

  async function commitPart({ record, mutations }: Part): Promise<void> {
    lost.signal.throwIfAborted();
    // The time before the call: the others' clocks begin when they see it.
    const since = clock.elapsed();
    const written = await commitShard(kv, shard, versionstamp, record, mutations);
    if (written === undefined) lost.abort(new Error("the shard is another worker's"));
    lost.signal.throwIfAborted();
    [versionstamp, cursor, renewedAt] = [written!, record.cursor, since];
  }

  return {
    write,
    /** Aborts when another worker owns the shard. */
    lost: lost.signal,
    /** Nothing may be sent any more: somebody else may do so at any moment. */
    isGivenBack: () => isGivenBack,
    age: () => clock.elapsed() - renewedAt,
    cursor: () => cursor,
  };
}

type Part = {
  record: { owner: string | null; cursor: string; nonce: string };
  mutations: Mutation[];
  done: () => void;
};

/** The cursor moves, and the owner leaves, with the last part. */
function split(
  { cursor, mutations, done }: Snapshot,
  before: { cursor: string; worker: string; owner: string | null },
): Part[] {
  const nonce = () => crypto.randomUUID();
  const chunks = [...chunksOf(mutations)];
  const last = chunks.pop() ?? [];
  return [
    ...chunks.map((chunk) => ({
      record: { owner: before.worker, cursor: before.cursor, nonce: nonce() },
      mutations: chunk,
      done: () => {},
    })),
    { record: { owner: before.owner, cursor, nonce: nonce() }, mutations: last, done },
  ];
}
