import fc from "fast-check";
import type { Delivery } from "../../src/model/delivery.ts";
import { headersOf, MAX_TTL } from "../../src/transports/push_headers.ts";
import { equal, ok } from "../helpers/assert.ts";
import { deliveryTo } from "../helpers/deliveries.ts";

const now = Date.UTC(2026, 10, 23);
const part = { depths: ["1" as const], except: [], timestamp: now };

const headers = (more: Partial<Delivery>) =>
  headersOf({ ...deliveryTo({ address: "https://push.example/a" }), ...more }, {
    authorization: "vapid t=t, k=k",
    length: 231,
    now,
  });

Deno.test("push headers: those of RFC 8030, 8188 and 8292, and none twice", () => {
  const content = { topic: "a", merged: { priority: 50, timestamp: now, content: part } };
  equal(headers({ message: content, until: now + 60_000, replaces: "abcdefghijklmnopqrstuv" }), {
    authorization: "vapid t=t, k=k",
    ttl: "60",
    urgency: "normal",
    topic: "abcdefghijklmnopqrstuv",
    "content-type": "application/octet-stream",
    "content-encoding": "aes128gcm",
    "content-length": "231",
  });
});

Deno.test("push headers: TTL is whole seconds, one at least, 28 days at most", () => {
  const ttlOf = (milliseconds: number) => Number(headers({ until: now + milliseconds }).ttl);
  equal([1_000, 1_999, 999, 0, -5_000, 86_400_000].map(ttlOf), [1, 1, 1, 1, 1, 86_400]);
  equal([MAX_TTL * 1_000, Number.MAX_SAFE_INTEGER].map(ttlOf), [MAX_TTL, MAX_TTL]);
  fc.assert(fc.property(fc.integer(), (milliseconds) => {
    const ttl = ttlOf(milliseconds);
    ok(Number.isInteger(ttl) && ttl >= 1 && ttl <= MAX_TTL);
  }));
});

Deno.test("push headers: the priority decides the urgency", () => {
  const urgencyOf = (priority: number) =>
    headers({ message: { topic: "a", merged: { priority, timestamp: now, content: part } } }).urgency;
  equal([0, 9, 10, 24, 25, 50, 74, 75, 100].map(urgencyOf), [
    "very-low",
    "very-low",
    "low",
    "low",
    "normal",
    "normal",
    "normal",
    "high",
    "high",
  ]);
  equal(headers({ message: undefined }).urgency, "normal");
});

Deno.test("push headers: what tells of properties replaces nothing, since it would be replaced itself", () => {
  const topicOf = (merged: object) =>
    headers({
      message: { topic: "a", merged: { priority: 50, timestamp: now, ...merged } },
      replaces: "abcdefghijklmnopqrstuv",
    }).topic;
  const property = { ...part, props: [] };
  equal([topicOf({ content: part }), topicOf({ property }), topicOf({ content: part, property })], [
    "abcdefghijklmnopqrstuv",
    undefined,
    undefined,
  ]);
  ok(!("topic" in headers({ replaces: undefined })));
});
