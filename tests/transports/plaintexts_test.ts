import { createPlaintexts, printFor } from "../../src/transports/plaintexts.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { KEY_CHANGED, printWebdavPush } from "../../src/wire/webdav_push_message.ts";
import { equal, ok } from "../helpers/assert.ts";
import { contentOf, deliveryTo } from "../helpers/deliveries.ts";

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const ANYONE = deliveryTo({ address: "https://push.example/a" }).subscriber;

Deno.test("plaintexts: what many are told is printed once", () => {
  const print = createPlaintexts(), { topic, merged } = contentOf("a");
  const first = print(ANYONE, { topic, merged });
  equal(decode(first), printPush({ topic, merged }));
  ok(print(ANYONE, { topic, merged }) === first);
});

Deno.test("plaintexts: another topic, another change, and no message are each printed for themselves", () => {
  const print = createPlaintexts(), message = contentOf("a"), other = { ...message, topic: "b" };
  const texts = [message, other, contentOf("a", { syncToken: "t2" }), undefined, message].map((message) =>
    decode(print(ANYONE, message))
  );
  equal(texts[0], texts[4]);
  equal([texts[1], texts[3]], [printPush(other), printPush(undefined)]);
  equal(new Set(texts).size, 4);
});

Deno.test("plaintexts: who registered by WebDAV-Push is told in its XML, each with a topic of their own", () => {
  const print = createPlaintexts(), message = contentOf("a");
  for (const wireTopic of ["one", "other"]) {
    const subscriber = { ...ANYONE, protocol: "webdav-push" as const, wireTopic };
    equal(decode(print(subscriber, message)), printWebdavPush(wireTopic, message));
    equal(decode(print({ ...subscriber, confirmed: false }, undefined)), printWebdavPush(wireTopic, undefined));
    equal(decode(print(subscriber, undefined)), KEY_CHANGED);
    equal(
      decode(printFor(subscriber, message, { smallest: true })),
      printWebdavPush(wireTopic, message, { smallest: true }),
    );
  }
  equal(decode(print(ANYONE, message)), printPush(message));
});

Deno.test("plaintexts: who subscribed to a DAV server by CC/CD 70025 is told in its JSON, by the name that it knows", () => {
  const print = createPlaintexts(), message = contentOf("a"), subscriber = { ...ANYONE, wireTopic: "one" };
  equal(decode(print(subscriber, message)), printPush({ ...message, topic: "one" }));
  equal(decode(print(subscriber, undefined)), printPush(undefined));
  equal(decode(print(ANYONE, message)), printPush(message));
});
