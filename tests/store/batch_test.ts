import fc from "fast-check";
import { MAX_SET_BYTES } from "../../src/doors/events.ts";
import { type Change, MAX_CHANGES, MAX_EVENT_BYTES } from "../../src/model/change.ts";
import { decodeBatch, encodeChange, joinBatch } from "../../src/store/batch.ts";
import { MAX_BATCH_BYTES } from "../../src/store/journal.ts";
import { parsePush } from "../../src/wire/push_message.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { change, pushMessage } from "../helpers/arbitraries.ts";

const HUB = "https://carillon.example/.well-known/mercure";

/** A KV value, less what its serializer adds. */
const KV_VALUE = 65_536 - 16;

/** Of a SET's 48 KiB, base64url takes a quarter; what is left for its messages, bytes. */
const SET_JSON_BYTES = Math.floor(MAX_SET_BYTES * 3 / 4);

const encode = (changes: Change[]) => joinBatch(changes.map(encodeChange));

Deno.test("batch: any changes come back as they were, in order", () => {
  fc.assert(fc.property(fc.array(change, { maxLength: 8 }), (changes) => equal(decodeBatch(encode(changes)), changes)));
});

Deno.test("batch: empty data, an empty sync-token and text of any kind are kept", () => {
  const odd: Change[] = ["", "\0\r\n", "\ud800 and \udfff", "\u2028", "🔔", '"\\'].map((data) => ({
    topics: ["a"],
    private: true,
    priority: 50,
    timestamp: 0,
    data,
    content: { depth: "1", syncToken: data, except: [data, ""] },
  }));
  equal(decodeBatch(encode(odd)), odd);
});

Deno.test("batch: a batch is as long as its parts say, and no longer than a KV value", () => {
  fc.assert(fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
    const parts = changes.map(encodeChange);
    const bytes = parts.reduce((sum, part) => sum + part.bytes + 1, 0);
    ok(joinBatch(parts).byteLength <= bytes + (KV_VALUE - MAX_BATCH_BYTES));
  }));
});

Deno.test("batch: an event above 48 KiB is too_large, one of just 48 KiB is not", async () => {
  const bare: Change = { topics: ["a"], private: true, priority: 50, timestamp: 0, data: "" };
  const room = MAX_EVENT_BYTES - encodeChange(bare).bytes;
  equal(encodeChange({ ...bare, data: "x".repeat(room) }).bytes, MAX_EVENT_BYTES);
  await refuses("too_large", () => encodeChange({ ...bare, data: "x".repeat(room + 1) }));
  await refuses("too_large", () => encodeChange({ ...bare, data: "ä".repeat(room) }));
});

Deno.test("batch: what is no batch of a known version is undefined, never an error", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (
    const value of [
      undefined,
      null,
      7,
      "text",
      bytes(""),
      bytes("{"),
      bytes("null"),
      bytes('{"v":2,"c":[]}'),
      bytes('{"v":1}'),
    ]
  ) {
    equal(decodeBatch(value), undefined);
  }
  fc.assert(fc.property(fc.uint8Array(), (value) => equal(decodeBatch(value), undefined)));
});

/** What the journal holds for a SET with these messages, or undefined when they do not fit a SET. */
function journalBytes(messages: Record<string, unknown>[]): number | undefined {
  const json = JSON.stringify({ messages });
  if (new TextEncoder().encode(json).byteLength > SET_JSON_BYTES) return undefined;
  return parsePush(JSON.parse(json), "invalid_set", HUB).map(encodeChange).reduce(
    (sum, { bytes }) => sum + bytes + 1,
    0,
  );
}

Deno.test("batch: 500 changes of a SET fit one commit", () => {
  const messages = Array.from(
    { length: MAX_CHANGES },
    (_, index) => ({ topic: `t${index}`, timestamp: "2026-11-23T14:00:52Z" }),
  );
  ok(journalBytes(messages)! <= MAX_BATCH_BYTES);
});

Deno.test("batch: the messages of any SET that is not too large fit one commit", () => {
  const long = fc.string({ unit: fc.constantFrom("x", "ä", "🔔"), minLength: 1, maxLength: 300 });
  const both = fc.record({ "client-id": long, update: fc.constant(["content", "property"]), "sync-token": long }, {
    requiredKeys: ["client-id"],
  });
  const message = fc.tuple(pushMessage, fc.oneof(both, fc.constant({}))).map(([plain, more]) => ({
    ...plain,
    unknown: undefined,
    ...more,
  }));
  fc.assert(
    fc.property(message, fc.integer({ min: 1, max: MAX_CHANGES }), (message, count) => {
      // As many of it as a SET holds.
      const one = new TextEncoder().encode(JSON.stringify(message)).byteLength + 1;
      const bytes = journalBytes(Array(Math.min(count, Math.floor((SET_JSON_BYTES - 20) / one))).fill(message));
      ok(bytes === undefined || bytes <= MAX_BATCH_BYTES, `${count} of ${JSON.stringify(message)} are ${bytes} bytes`);
    }),
    {
      examples: [[{
        topic: "t",
        timestamp: "2026-11-23T14:00:52Z",
        unknown: undefined,
        "client-id": "c".repeat(1000),
        update: ["content", "property"],
      }, 500]],
    },
  );
});

Deno.test("batch: one change of another shape makes it no batch, since the places of all others are in it", () => {
  const good = { t: "t", s: 1 };
  const wrong: unknown[] = [null, 1, [], {}, { s: 1 }, { t: [], s: 1 }, { t: [1], s: 1 }, { t: "t" }, {
    t: "t",
    s: 9e15,
  }];
  const members = { o: 0, p: "5", i: "a\nid: b", y: 1, r: "1", d: 1, c: ["2", null], n: ["0", {}], x: "x" };
  for (const [name, value] of Object.entries(members)) wrong.push({ ...good, [name]: value });
  for (const change of wrong) {
    const value = new TextEncoder().encode(JSON.stringify({ v: 1, c: [good, change] }));
    equal(decodeBatch(value), undefined, JSON.stringify(change));
  }
  ok(decodeBatch(new TextEncoder().encode(JSON.stringify({ v: 1, c: [good, { ...good, later: 1 }] }))));
});
