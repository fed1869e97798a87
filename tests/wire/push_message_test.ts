import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { type Change, MAX_CHANGES } from "../../src/model/change.ts";
import { parsePush, printMessage } from "../../src/wire/push_message.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { pushMessage } from "../helpers/arbitraries.ts";

const HUB = "https://carillon.example/.well-known/mercure";
const AT = "2026-11-23T14:00:52Z";

const parse = (value: unknown): Change[] => parsePush(value, "invalid_set", HUB);
const parseOne = (message: Record<string, unknown>): Change => parse([{ topic: "123", timestamp: AT, ...message }])[0]!;

// CalConnect cc-dav-push, draft-gajda-dav-push-00, "Push message": the sample request.
Deno.test("push message: the draft's sample is read", async () => {
  const { push } = JSON.parse(await Deno.readTextFile(new URL("../fixtures/push-request.json", import.meta.url)));
  const shared = { private: true };
  equal(parse(push), [
    {
      ...shared,
      topics: ["123"],
      priority: 100,
      timestamp: Date.parse("2017-10-01T14:00:52Z"),
      content: { depth: "1", syncToken: undefined, except: ["xyz"] },
    },
    {
      ...shared,
      topics: ["abc"],
      priority: 0,
      timestamp: Date.parse("2017-10-01T14:00:53Z"),
      content: { depth: "1", syncToken: undefined, except: [] },
    },
  ]);
});

Deno.test("push message: the object of the example and the array of the grammar are both read", () => {
  const messages = [{ topic: "a", timestamp: AT }];
  equal(parse({ messages }), parse(messages));
});

Deno.test("push message: what is not said has its default", () => {
  const { priority, content, property } = parseOne({});
  equal([priority, content?.depth, content?.except, property], [50, "1", [], undefined]);
  equal(parseOne({ update: "property" }).property, { depth: "0", props: [], except: [] });
});

Deno.test("push message: one that is both kinds has both triggers, each with its client excepted", () => {
  const { content, property } = parseOne({ update: ["content", "property"], depth: 0, "client-id": "c" });
  equal([content?.depth, property?.depth, content?.except, property?.except], ["0", "0", ["c"], ["c"]]);
});

Deno.test("push message: unknown members are ignored", () => {
  equal(parseOne({ "x-unknown": { deep: [1] }, __proto__: null }), parseOne({}));
});

const BAD: Record<string, Record<string, unknown>> = {
  "a priority above 100": { priority: 101 },
  "a priority below 0": { priority: -1 },
  "a priority that is no whole number": { priority: 1.5 },
  "a priority in words": { priority: "high" },
  "no timestamp": { timestamp: undefined },
  "a timestamp without a zone": { timestamp: "2026-11-23T14:00:52" },
  "a timestamp that never was": { timestamp: "2026-02-30T14:00:52Z" },
  "a timestamp as a number": { timestamp: 1 },
  "no topic": { topic: undefined },
  "a topic that is no text": { topic: 7 },
  "an empty client-id": { "client-id": "" },
  "a client-id with a line end": { "client-id": "a\nb" },
  "an overlong client-id": { "client-id": "x".repeat(1025) },
  "a sync-token with a control character": { "sync-token": "a\0" },
  "an unknown update": { update: "everything" },
  "an empty update": { update: [] },
  "a depth of two": { depth: 2 },
  "a property that is no Clark name": { properties: ["displayname"] },
  "too many properties": { properties: Array(101).fill("{DAV:}displayname") },
  "data that is no text": { data: { a: 1 } },
};

for (const [what, message] of Object.entries(BAD)) {
  Deno.test(`push message: ${what} is refused`, async () => void await refuses("invalid_set", () => parseOne(message)));
}

Deno.test("push message: a topic that is none is bad_topic", async () => {
  for (const topic of ["", "*", "a\nb", "x".repeat(1025), HUB]) await refuses("bad_topic", () => parseOne({ topic }));
});

Deno.test("push message: no messages, too many and what is no list are refused", async () => {
  const message = { topic: "a", timestamp: AT };
  equal(parse(Array(MAX_CHANGES).fill(message)).length, MAX_CHANGES);
  for (
    const value of [[], { messages: [] }, {}, null, "a", 7, { messages: {} }, Array(MAX_CHANGES + 1).fill(message)]
  ) {
    await refuses("invalid_set", () => parse(value));
  }
});

Deno.test("push message: any JSON is changes or a CarillonError", () => {
  const almost = fc.record({ messages: fc.array(fc.oneof(pushMessage, fc.jsonValue(), mutated)) });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), almost, fc.array(mutated)), (value) => {
      try {
        ok(parse(value).every(({ topics }) => topics.length === 1));
      } catch (thrown) {
        ok(thrown instanceof CarillonError && ["invalid_set", "bad_topic"].includes(thrown.code), `${thrown}`);
      }
    }),
    { numRuns: 500 },
  );
});

const mutated = fc.tuple(pushMessage, fc.constantFrom("topic", "timestamp", "update", "depth", "data"), fc.jsonValue())
  .map(([message, member, value]) => ({ ...message, [member]: value }));

Deno.test("push message: what is printed is read back as the same change", () => {
  fc.assert(
    fc.property(pushMessage, (message) => {
      const [change] = parse([message]);
      equal(parse([JSON.parse(printMessage(change!))]), [change!]);
    }),
    { numRuns: 500 },
  );
});

Deno.test("push message: what a listener reads is what the server said, its defaults filled in", () => {
  fc.assert(fc.property(pushMessage, ({ unknown: _, properties, update = "content", ...message }) => {
    const kinds = [update].flat();
    const printed = JSON.parse(printMessage(parse([{ ...message, update, properties }])[0]!));
    equal([printed.topic, printed.timestamp, printed.data], [message.topic, message.timestamp, message.data]);
    equal(printed.priority, message.priority ?? 50);
    equal(printed["client-id"], message["client-id"]);
    equal(new Set([printed.update].flat()), new Set(kinds));
    if (kinds.includes("content")) equal(printed["sync-token"], message["sync-token"]);
  }));
});
