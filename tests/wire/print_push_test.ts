import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Change } from "../../src/model/change.ts";
import type { Message } from "../../src/model/delivery.ts";
import { merge, type Merged, toMerged } from "../../src/model/merge.ts";
import { tell } from "../../src/model/tell.ts";
import { MAX_PLAINTEXT } from "../../src/wire/aes128gcm.ts";
import { parsePush, printPush } from "../../src/wire/push_message.ts";
import { equal, ok } from "../helpers/assert.ts";
import { pushMessage } from "../helpers/arbitraries.ts";

const HUB = "https://carillon.example/.well-known/mercure";
const EVERYTHING = { owner: "owner", triggers: {}, minPriority: 0 };
const timestamp = Date.parse("2026-11-23T14:00:52Z");

const printed = (message: Message, options?: { smallest?: boolean }) =>
  JSON.parse(printPush(message, options)).push.messages;
const printOne = (topic: string, merged: Merged, options?: { smallest?: boolean }) =>
  printed({ topic, merged }, options)[0];

/** What a subscriber who asked for everything is told of several changes of one topic. */
const told = fc.array(pushMessage, { minLength: 1, maxLength: 4 }).map((messages) => {
  const merged = parsePush(messages, "bad_request", HUB).map(toMerged).reduce(merge);
  return { topic: messages[0]!.topic, merged: tell(EVERYTHING, merged)! };
});

Deno.test("push: one content change is printed whole", () => {
  const content = { depths: ["1" as const], except: [], timestamp, syncToken: "t1" };
  equal(printed({ topic: "a", merged: { priority: 50, timestamp, content } }), [
    {
      topic: "a",
      priority: 50,
      timestamp: "2026-11-23T14:00:52.000Z",
      "sync-token": "t1",
      update: "content",
      depth: "1",
    },
  ]);
});

Deno.test("push: without a message it says nothing, which is legal", () => {
  equal(printPush(undefined), '{"push":{"messages":[]}}');
  equal(printPush(undefined, { smallest: true }), printPush(undefined));
});

Deno.test("push: of several depths the deepest is said, of two parts only the one that both have", () => {
  const part = (...depths: ("0" | "1" | "infinity")[]) => ({ depths, except: [], timestamp });
  const property = (...depths: ("0" | "1" | "infinity")[]) => ({ ...part(...depths), props: [] });
  const depthOf = (merged: Partial<Merged>) => printOne("a", { priority: 1, timestamp, ...merged }).depth;
  equal(depthOf({ content: part("0", "1", "infinity") }), "infinity");
  equal(depthOf({ property: property("0", "1") }), "1");
  equal(depthOf({ content: part("1"), property: property("0", "1") }), "1");
  equal(depthOf({ content: part("1"), property: property("0") }), undefined);
});

function exceptNobody({ topics, priority, timestamp, data, content, property }: Change) {
  const nobody = <T extends { except: string[] }>(part?: T) => part && { ...part, except: [] };
  return { topics, priority, timestamp, data, content: nobody(content), property: nobody(property) };
}

Deno.test("push: one message is read back as the change that it was, but for who was excepted", () => {
  fc.assert(
    fc.property(pushMessage, (message) => {
      const [change] = parsePush([message], "bad_request", HUB);
      const text = printPush({ topic: message.topic, merged: tell(EVERYTHING, toMerged(change!))! });
      const [read] = parsePush(JSON.parse(text).push, "bad_request", HUB);
      equal(exceptNobody(read!), exceptNobody(change!));
    }),
    { numRuns: 300 },
  );
});

Deno.test("push: what was merged is read back with its newest data, all triggers, and nobody's client id", () => {
  fc.assert(fc.property(told, ({ topic, merged }) => {
    const text = printPush({ topic, merged });
    const [read] = parsePush(JSON.parse(text).push, "bad_request", HUB);
    equal([read!.topics, read!.timestamp, read!.priority, read!.data], [
      [topic],
      merged.timestamp,
      merged.priority,
      merged.data,
    ]);
    equal([Boolean(read!.content), Boolean(read!.property)], [Boolean(merged.content), Boolean(merged.property)]);
    equal([read!.content?.syncToken, read!.property?.props], [merged.content?.syncToken, merged.property?.props]);
    ok(!text.includes("client-id"));
  }));
});

Deno.test("push: what is too long loses data and properties first, then all but topic, time and token, then the token", () => {
  const content = { depths: ["1" as const], except: [], timestamp, syncToken: "t" };
  const property = { depths: ["1" as const], except: [], timestamp, props: [`{x}${"p".repeat(2000)}`] };
  const merged = { priority: 9, timestamp, data: "d".repeat(3900), content, property };
  const members = (topic: string, more: Partial<Merged> = {}) => Object.keys(printOne(topic, { ...merged, ...more }));
  const bare = ["topic", "priority", "timestamp", "sync-token", "update", "depth"];
  equal(members("a", { data: "d" }), [...bare, "properties", "data"]);
  equal(members("a"), bare);
  const topic = "€".repeat(1024), syncToken = "s".repeat(830);
  equal(members(topic, { property: undefined, content: { ...content, syncToken } }), [
    "topic",
    "timestamp",
    "sync-token",
  ]);
  equal(members(topic, { content: { ...content, syncToken: "€".repeat(1024) } }), ["topic", "timestamp", "update"]);
});

Deno.test("push: the smallest form says what changed and where to read it", () => {
  const part = { depths: ["1" as const], except: [], timestamp };
  const common = { topic: "a", timestamp: "2026-11-23T14:00:52.000Z" }, smallest = { smallest: true };
  const merged = { priority: 9, timestamp, data: "d" };
  equal(printOne("a", { ...merged, content: { ...part, syncToken: "t" } }, smallest), { ...common, "sync-token": "t" });
  equal(printOne("a", { ...merged, property: { ...part, props: ["{a}b"] } }, smallest), {
    ...common,
    update: "property",
  });
});

/** Characters of every plane, of one to four bytes, quotes that JSON escapes among them. */
const anyTopic = fc.string({
  unit: fc.constantFrom("a", '"', "\\", "ä", "€", "\uffee", "🔔", "\u{2f800}"),
  minLength: 1,
  maxLength: 1024,
})
  .map((text) => text.slice(0, 1024).toWellFormed());

Deno.test("push: any topic and any content fit into one record, and the topic always survives", () => {
  const long = fc.string({ unit: fc.constantFrom("a", "\n", "\0", "€", "🔔", "\ud800"), maxLength: 4000 });
  const input = fc.record({ topic: anyTopic, data: long, syncToken: anyTopic, told, smallest: fc.boolean() });
  fc.assert(fc.property(input, ({ topic, data, syncToken, told: { merged }, smallest }) => {
    const content = merged.content && { ...merged.content, syncToken };
    const text = printPush({ topic, merged: { ...merged, data, content } }, { smallest });
    ok(Buffer.byteLength(text) <= MAX_PLAINTEXT);
    equal(JSON.parse(text).push.messages[0].topic, topic);
  }));
});
