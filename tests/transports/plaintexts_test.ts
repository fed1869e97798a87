import { createPlaintexts } from "../../src/transports/plaintexts.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { equal, ok } from "../helpers/assert.ts";
import { contentOf } from "../helpers/deliveries.ts";

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("plaintexts: what many are told is printed once", () => {
  const print = createPlaintexts(), { topic, merged } = contentOf("a");
  const first = print({ topic, merged });
  equal(decode(first), printPush({ topic, merged }));
  ok(print({ topic, merged }) === first);
});

Deno.test("plaintexts: another topic, another change, and no message are each printed for themselves", () => {
  const print = createPlaintexts(), message = contentOf("a"), other = { ...message, topic: "b" };
  const texts = [message, other, contentOf("a", { syncToken: "t2" }), undefined, message].map((message) =>
    decode(print(message))
  );
  equal(texts[0], texts[4]);
  equal([texts[1], texts[3]], [printPush(other), printPush(undefined)]);
  equal(new Set(texts).size, 4);
});
