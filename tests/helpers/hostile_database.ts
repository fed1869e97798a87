/** Every kind of key that a worker reads, each with a record as it should stand there. */
import type fc from "fast-check";
import { shardOf } from "../../src/model/shard.ts";
import { shortHash } from "../../src/model/short_hash.ts";
import { printKey } from "../../src/store/set_aside.ts";
import { topicHash } from "../../src/store/subscribers.ts";
import { subscription } from "./engine.ts";
import { junk, maimed, maimedObject } from "./hostile_values.ts";

export const TOPIC = "https://dav.example/alice/work/";
export const OWNER = "owner-of-hostile-test";

/** The id of an event that a publisher gave it. */
export const PUBLISHED = "urn:hostile:1";

/** Whose records are hostile. */
const Z = subscription("z", [TOPIC]);
const HASH = topicHash(TOPIC), SHARD = shardOf(HASH), NEVER = "1".padStart(20, "0");

const timestamp = 1, part = { depths: ["1"], except: ["x"], timestamp };
const merged = {
  priority: 50,
  timestamp,
  data: "d",
  content: { ...part, syncToken: "s" },
  property: { ...part, props: [] },
};
const retry = { topic: TOPIC, merged, attempt: 1, at: 1, until: 9e15 };
const { topics: _, maxDelay: __, ...shared } = Z;

/**
 * `beside` are keys that lead to it; `record` and `plain` what should stand there, as bytes or as it is. `isReported`: what
 * cannot be read is named; `isKept`: and stays as it is.
 */
export type Spot = {
  key: Deno.KvKey;
  beside?: Deno.KvKey[];
  record?: object;
  plain?: object;
  isReported: boolean;
  isKept: boolean;
};

const KEPT = { isReported: true, isKept: true }, REBUILT = { isReported: true, isKept: false };
/** Nobody looks at what stands there. */
const UNSEEN = { isReported: false, isKept: false };

/** `now` is when the worker starts. */
export function spotsAt(now: number): Record<string, Spot> {
  return {
    subscriber: { key: ["by_topic", HASH, 60, Z.id], record: { ...shared, wireTopic: "w", expiresAt: 9e12 }, ...KEPT },
    window: {
      key: ["window", SHARD, "other"],
      record: {
        topic: "other",
        pending: [{ delay: 5, wait: 1, merged }],
        sending: { classes: [{ delay: 0, merged }], position: { delay: 0, id: "" } },
      },
      ...KEPT,
    },
    page: {
      key: ["page", SHARD, HASH, "A"],
      record: {
        topic: TOPIC,
        classes: [{ delay: 60, merged }],
        after: { delay: 0, id: "" },
        position: { delay: 0, id: "" },
        holder: null,
        nonce: "n",
      },
      ...KEPT,
    },
    handback: { key: ["handback", SHARD, HASH, "y".repeat(22), "n"], record: retry, ...KEPT },
    retry: {
      key: ["retry", HASH, "x".repeat(22)],
      beside: [["due", SHARD, now, HASH, "x".repeat(22)]],
      record: retry,
      ...KEPT,
    },
    subscription: {
      key: ["subscription", Z.id],
      beside: [["initial", shardOf(Z.id), now, Z.id], ["ends", now - 1, Z.id], ["by_owner", OWNER, Z.id]],
      record: { subscription: Z, initial: { attempt: 0, at: now, until: 9e12 }, nonce: "n" },
      ...KEPT,
    },
    tombstone: {
      key: ["subscription", "t".repeat(22)],
      beside: [["ends", now - 1, "t".repeat(22)]],
      record: { deletedUntil: 9e12, nonce: "n" },
      ...KEPT,
    },
    batch: {
      key: ["journal", NEVER],
      record: {
        c: [{
          t: ["a", "b"],
          s: 1,
          o: 1,
          p: 5,
          i: "i",
          y: "y",
          r: 1,
          d: "d",
          c: ["1", "s", "x"],
          n: ["0", [], "x"],
          x: ["x"],
        }],
      },
      ...KEPT,
    },
    spent: { key: ["spent", NEVER], plain: { at: now, bytes: 1, seen: ["s"], published: ["p"] }, ...KEPT },
    shard: { key: ["shard", (SHARD + 1) % 16], record: { owner: "o", cursor: NEVER, nonce: "n" }, ...KEPT },
    count: { key: ["count", "owned", OWNER], ...KEPT },
    published: { key: ["published_id", shortHash(PUBLISHED), NEVER], ...KEPT },
    horizon: { key: ["horizon"], plain: { pruned: "0".repeat(20), counted: "0".repeat(20), bytes: 0 }, ...REBUILT },
    notice: { key: ["key_notice"], record: { vapidKey: "k", after: "a" }, ...REBUILT },
    bell: { key: ["bell"], ...UNSEEN },
    seen: { key: ["seen", shortHash("iss", "known")], ...UNSEEN },
    owned: { key: ["by_owner", OWNER, "nobody"], ...UNSEEN },
    initial: { key: ["initial", 3, now, "nobody"], ...UNSEEN },
    due: { key: ["due", SHARD, now, HASH, "nobody"], ...UNSEEN },
    probe: { key: ["probe"], ...UNSEEN },
  };
}

/** What may stand at a spot by the hand of somebody else. */
export function maimedAt({ record, plain }: Spot): fc.Arbitrary<unknown> {
  return record ? maimed(record) : plain ? maimedObject(plain) : junk;
}

/** A place that anything may be in is not reported where it happens to be right. */
export function mustBeReported({ key, isReported }: Spot, value: unknown): boolean {
  if (key[0] === "count" && value instanceof Deno.KvU64) return false;
  if (key[0] === "published_id" && Number.isSafeInteger(value)) return false;
  return isReported;
}

export { printKey };
