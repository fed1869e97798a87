/**
 * Which topics the event streams of each worker may be about: bits by the hash of a topic, in slices of 256, so that
 * one small range tells of a topic. The worker's own record stands beside them; its version shows that it lives.
 */
import { withDeadline } from "./deadline.ts";
import { encodeRecord } from "./record.ts";

/** What somebody listens to: a bit of 65,536, or `EVERYTHING` for patterns, which no bit can stand for. */
export type PresenceBit = number;

export const EVERYTHING = -1;

const WORKER = "worker", PRESENCE = "presence";
const BITS = 256;
const ANY = "any";

type Slice = number | typeof ANY;

const sliceOf = (bit: PresenceBit): Slice => bit === EVERYTHING ? ANY : Math.floor(bit / BITS);
const workerKey = (worker: string) => [WORKER, worker];
const sliceKey = (slice: Slice, worker: string) => [PRESENCE, slice, worker];

/** The bit of a topic's hash. */
export function bitOf(hash: string): PresenceBit {
  const [high, low] = Uint8Array.fromBase64(hash.slice(0, 4), { alphabet: "base64url" });
  return high! * BITS + low!;
}

/** `all` are the bits of a worker, `changed` those whose slices are written. */
export type PresenceWrite = {
  versionstamp: string | null;
  changed: Iterable<PresenceBit>;
  all: Iterable<PresenceBit>;
};

/**
 * Writes over the version of the worker's record that is known, and moves it. Answers the version that stands there now;
 * not `ok` where that was another one, so that nothing was written, or this very call was repeated.
 */
export async function writePresence(
  kv: Deno.Kv,
  worker: string,
  { versionstamp, changed, all }: PresenceWrite,
): Promise<{ ok: boolean; versionstamp: string | null }> {
  const key = workerKey(worker), slices = Map.groupBy(all, sliceOf);
  const atomic = kv.atomic().check({ key, versionstamp }).set(key, encodeRecord({}));
  for (const slice of new Set(Iterator.from(changed).map(sliceOf))) {
    const bits = slices.get(slice);
    if (bits) atomic.set(sliceKey(slice, worker), toBytes(bits));
    else atomic.delete(sliceKey(slice, worker));
  }
  const result = await withDeadline("writing who listens", atomic.commit());
  if (result.ok) return result;
  const found = await withDeadline("reading a worker again", kv.get(key));
  return { ok: false, versionstamp: found.versionstamp };
}

function toBytes(bits: PresenceBit[]): Uint8Array {
  const bytes = new Uint8Array(BITS / 8);
  for (const bit of bits) if (bit !== EVERYTHING) bytes[(bit % BITS) >> 3]! |= 1 << (bit & 7);
  return bytes;
}

/**
 * Answers for which of these bits streams of other workers may be there; each slice is read once. What is no record of ours
 * counts as one: nobody can be sure.
 */
export async function readListeners(
  kv: Deno.Kv,
  worker: string,
  bits: Iterable<PresenceBit>,
): Promise<(bit: PresenceBit) => boolean> {
  const slices = [...new Set([ANY, ...Iterator.from(bits).map(sliceOf)])];
  const reading = slices.map((slice) => Array.fromAsync(kv.list<unknown>({ prefix: [PRESENCE, slice] })));
  const read = await withDeadline("reading who listens", Promise.all(reading));
  const others = new Map(read.map((entries, n) => [slices[n]!, entries.filter(({ key }) => key[2] !== worker)]));
  return (bit) => others.get(ANY)!.length > 0 || others.get(sliceOf(bit))!.some(({ value }) => holds(value, bit));
}

function holds(value: unknown, bit: PresenceBit): boolean {
  if (!(value instanceof Uint8Array) || value.byteLength !== BITS / 8) return true;
  return (value[(bit % BITS) >> 3]! & 1 << (bit & 7)) !== 0;
}

/** The workers that said that they live, and the versions of their records. */
export async function listWorkers(kv: Deno.Kv): Promise<{ worker: string; versionstamp: string }[]> {
  const entries = Array.fromAsync(kv.list({ prefix: [WORKER] }));
  return (await withDeadline("listing workers", entries)).map(({ key, versionstamp }) => ({
    worker: key[1] as string,
    versionstamp,
  }));
}

/** Forgets a worker, and what it listened to, if its record still is of that version. */
export async function forgetWorker(kv: Deno.Kv, worker: string, versionstamp: string): Promise<void> {
  const atomic = kv.atomic().check({ key: workerKey(worker), versionstamp }).delete(workerKey(worker));
  for (let slice = 0; slice < BITS; slice++) atomic.delete(sliceKey(slice, worker));
  await withDeadline("forgetting a worker", atomic.delete(sliceKey(ANY, worker)).commit());
}
