import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import {
  MAX_TTL,
  printPushEvent,
  readFields,
  readLink,
  readOptions,
  readPushId,
} from "../../src/wire/push_resource.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";

const from = (fields: Record<string, string>) => (name: string) => fields[name];

Deno.test("push fields: what RFC 8030 5 allows is read, with its defaults", () => {
  equal(readFields(from({ ttl: "0" })), { ttl: 0, urgency: "normal" });
  equal(readFields(from({ ttl: "99999999", urgency: "low", topic: "a_-9", "content-encoding": "aes128gcm" })), {
    ttl: MAX_TTL,
    urgency: "low",
    topic: "a_-9",
    encoding: "aes128gcm",
  });
  const receipt = { ttl: "1", "push-receipt": "<https://push.example/r>" };
  equal(readFields(from({ ...receipt, prefer: "wait=1, Respond-Async; x=y" })).receipt, "https://push.example/r");
  equal(readFields(from(receipt)).receipt, undefined);
});

Deno.test("push fields: any text in any field is read or bad_request", () => {
  const names = fc.constantFrom("ttl", "urgency", "topic", "content-encoding", "prefer", "push-receipt");
  const fields = fc.dictionary(names, fc.string({ unit: "binary", maxLength: 50 }));
  fc.assert(fc.property(fields, (fields) => {
    try {
      const { ttl, topic, encoding } = readFields(from(fields));
      ok(ttl >= 0 && ttl <= MAX_TTL && !/[\r\n]/.test(`${topic}${encoding}`));
    } catch (thrown) {
      ok(thrown instanceof CarillonError && thrown.code === "bad_request");
    }
  }));
});

Deno.test("push fields: a link is found by its relation, among others", () => {
  const field =
    '<https://a/1>; rel="urn:ietf:params:push", <https://a/2>; title="x"; rel="other urn:ietf:params:push:set"';
  equal(readLink(field, "urn:ietf:params:push"), "https://a/1");
  equal(readLink(field, "urn:ietf:params:push:set"), "https://a/2");
  equal([readLink(field, "push"), readLink(undefined, "x"), readLink("<a>", "x")], [undefined, undefined, undefined]);
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (text, relation) => {
    const found = readLink(text, relation);
    ok(found === undefined || text.includes(`<${found}>`));
  }));
});

Deno.test("push options: a key that is none is refused by its name", async () => {
  for (const value of [{ vapid: "" }, { vapid: "AAAA" }, { vapid: 1 }, [], null, "x"]) {
    const { message } = await refuses("bad_request", () => readOptions(value));
    ok(message.includes("vapid"), message);
  }
  equal(readOptions({}), {});
});

Deno.test("push event: one line of data, whatever is in it", () => {
  const text = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(fc.property(text, text, (topic, body) => {
    const message = { urgency: "low" as const, until: 5_500, topic, body };
    const event = printPushEvent({ message, token: "i", least: "very-low", url: (token) => `u/${token}`, now: 1_000 });
    const [id, data, ...rest] = event.split("\n");
    equal([readPushId(id!.slice(4)), rest], [{ token: "i", least: "very-low" }, ["", ""]]);
    equal(JSON.parse(data!.slice(6)), { message: "u/i", urgency: "low", topic, ttl: 5, body });
  }));
});

Deno.test("push event: any text is an id of ours or none", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const read = readPushId(text);
    ok(read === undefined || text.startsWith(`${read.token}.`));
  }));
  equal(["", "a", "a.4", "a.-1", "a.1\n"].map(readPushId), Array(5).fill(undefined));
});
