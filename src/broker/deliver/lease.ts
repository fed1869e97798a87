/**
 * The lease of one shard. Every commit checks and moves the shard's version, so that whoever lost it cannot write; and it
 * renews the lease, by this process's own unjumping clock.
 */
import type { Clock } from "../../clock.ts";
import { commitShard, type Mutation } from "../../store/shards.ts";

/** Milliseconds. An owner whose version has not moved for this long has lapsed, as others see it. */
export const LAPSE = 20_000;

/** An owner stops sending so long after its last renewal: well before anybody else may begin. */
export const FENCE = 10_000;

/** While there is work the lease is renewed at least so often. */
export const RENEW = 5_000;

/** KV allows 1,000 mutations, 81,920 bytes of keys and 819,200 bytes a commit. */
const MAX_MUTATIONS = 400;
const MAX_BYTES = 400_000;

/** What is to be written in one go; `done` is called once it is. Kept until then: its outcome may be unknown. */
export type Snapshot = { cursor: string; mutations: Mutation[]; done: () => void };

type Deps = { kv: Deno.Kv; clock: Clock; worker: string; shard: number; versionstamp: string; cursor: string };

export type Lease = ReturnType<typeof createLease>;

export function createLease({ kv, clock, worker, shard, versionstamp, cursor }: Deps) {
  const lost = new AbortController();
  let renewedAt = clock.elapsed();
  let parts: Part[] = [];

  /**
   * Writes a snapshot, in several commits where one is too small; the cursor moves with the last one. A write whose outcome
   * is unknown is repeated until it is known, before anything else. Throws `kv_failed`, `kv_timeout`, or when it is lost.
   */
  async function write(take: () => Snapshot, owner: string | null = worker): Promise<void> {
    await finish();
    parts = split(take(), cursor, owner);
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
    age: () => clock.elapsed() - renewedAt,
    cursor: () => cursor,
  };
}

type Part = {
  record: { owner: string | null; cursor: string; nonce: string };
  mutations: Mutation[];
  done: () => void;
};

function split({ cursor, mutations, done }: Snapshot, before: string, owner: string | null): Part[] {
  const nonce = () => crypto.randomUUID();
  const chunks = [...chunksOf(mutations)];
  const last = chunks.pop() ?? [];
  return [
    ...chunks.map((chunk) => ({ record: { owner, cursor: before, nonce: nonce() }, mutations: chunk, done: () => {} })),
    { record: { owner, cursor, nonce: nonce() }, mutations: last, done },
  ];
}

function* chunksOf(mutations: Mutation[]): Generator<Mutation[]> {
  let chunk: Mutation[] = [], bytes = 0;
  for (const mutation of mutations) {
    const size = mutation.value instanceof Uint8Array ? mutation.value.byteLength : 0;
    if (chunk.length >= MAX_MUTATIONS || bytes + size > MAX_BYTES) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(mutation);
    bytes += size;
  }
  yield chunk;
}
