/** What waits for a commit, and how much of it fits one. */
import { CarillonError } from "../errors.ts";
import type { Change } from "../model/change.ts";
import { shortHash } from "../model/short_hash.ts";
import { encodeChange, type EncodedChange, joinBatch } from "../store/batch.ts";
import { type Draft, MAX_BATCH_BYTES, MAX_SEEN_A_COMMIT } from "../store/journal.ts";

/** Ids of publishers in one commit: KV allows 1,000 mutations. */
const MAX_PUBLISHED_IDS = 400;

/** Changes that are committed together or not at all. `jti` tells a SET from its repetition. */
export type Submission = { changes: Change[]; jti?: { iss: string; jti: string } };

/** A submission that is encoded and waits; `resolve` hears the ids of its events. */
export type Waiting = {
  changes: Change[];
  encoded: EncodedChange[];
  bytes: number;
  seen: string | undefined;
  published: { hash: string; index: number }[];
  resolve: (ids: string[]) => void;
  reject: (error: CarillonError) => void;
  promise: Promise<string[]>;
};

/** Encodes a submission. Throws `too_large`. */
export function prepare({ changes, jti }: Submission): Waiting {
  const encoded = changes.map(encodeChange);
  const bytes = encoded.reduce((sum, { bytes }) => sum + bytes + 1, 0);
  if (bytes > MAX_BATCH_BYTES) {
    throw new CarillonError("too_large", `the changes are too large together: ${bytes} bytes`);
  }
  const published = changes.flatMap(({ id }, index) => id === undefined ? [] : [{ hash: shortHash(id), index }]);
  const seen = jti && shortHash(jti.iss, jti.jti);
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  return { changes, encoded, bytes, seen, published, resolve, reject, promise };
}

/** How many of the first entries fit one commit. */
export function fitting(waiting: Waiting[]): number {
  let bytes = 0, seen = 0, published = 0, count = 0;
  for (const entry of waiting) {
    bytes += entry.bytes;
    seen += entry.seen === undefined ? 0 : 1;
    published += entry.published.length;
    if (bytes > MAX_BATCH_BYTES || seen > MAX_SEEN_A_COMMIT || published > MAX_PUBLISHED_IDS) break;
    count++;
  }
  return count;
}

/** True when more waits than fits one commit. */
export function isFull(waiting: Waiting[]): boolean {
  return fitting(waiting) < waiting.length;
}

/** A batch without any `jti` checks its own nonce: so even its zombie cannot land twice. */
export function toDraft(batch: Waiting[], now: number): Draft {
  const nonce = crypto.randomUUID();
  const seen = batch.flatMap(({ seen }) => seen === undefined ? [] : [seen]);
  let offset = 0;
  const published = new Map<string, number>();
  for (const entry of batch) {
    // The first of two equal ids: nothing behind it may be missed.
    for (const { hash, index } of entry.published) if (!published.has(hash)) published.set(hash, index + offset);
    offset += entry.encoded.length;
  }
  const value = joinBatch(batch.flatMap(({ encoded }) => encoded));
  return {
    value,
    seen: seen.length > 0 ? seen : [nonce],
    nonce,
    published: Array.from(published, ([hash, index]) => ({ hash, index })),
    now,
  };
}
