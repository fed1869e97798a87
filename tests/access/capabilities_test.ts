import fc from "fast-check";
import { createCapabilities, type Kind } from "../../src/access/capabilities.ts";
import { equal, ok } from "../helpers/assert.ts";

const ours = createCapabilities("a key"), others = createCapabilities("another key");
const KINDS: Kind[] = ["push", "subscription", "set", "receipt"];

Deno.test("capabilities: what was made opens to its id, as its kind and by its key alone", () => {
  for (const kind of KINDS) {
    const { token, id } = ours.make(kind);
    equal([ours.open(kind, token), others.open(kind, token)], [id, undefined]);
    equal(KINDS.filter((other) => ours.open(other, token) !== undefined), [kind]);
    ok(/^[\w-]{38}$/.test(token) && /^[\w-]{22}$/.test(id) && !token.includes(id.slice(0, 8)));
  }
});

Deno.test("capabilities: a token that was changed anywhere, or made up, opens to nothing", () => {
  const { token } = ours.make("push");
  const position = fc.nat({ max: token.length - 1 }), character = fc.constantFrom(..."abcXYZ019-_ .=/");
  fc.assert(fc.property(position, character, (at, character) => {
    const changed = token.slice(0, at) + character + token.slice(at + 1);
    equal(ours.open("push", changed) !== undefined, changed === token);
  }));
  fc.assert(fc.property(fc.string({ maxLength: 60 }), (made) => equal(ours.open("push", made), undefined)));
});

Deno.test("capabilities: a message's token names its place, and nobody else can make one", () => {
  const placed = { mailbox: ours.make("subscription").id, versionstamp: "0000000000000a0f0000" };
  const token = ours.ofMessage(placed);
  equal([ours.openMessage(token), others.openMessage(token)], [placed, undefined]);
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{22}\.[0-9a-f]{20}\.[\w-]{16}$/));
  fc.assert(fc.property(text, (made) => equal(ours.openMessage(made), undefined)));
});
