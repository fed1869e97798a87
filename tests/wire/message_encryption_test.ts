import fc from "fast-check";
import { MAX_PLAINTEXT, paddedSize } from "../../src/wire/aes128gcm.ts";
import { encrypt, encryptByLibrary, importEphemeral, makeEphemeral } from "../../src/wire/message_encryption.ts";
import { equal, ok } from "../helpers/assert.ts";
import { createUserAgent } from "../helpers/push_user_agent.ts";
import { oddSubtle } from "../helpers/odd_subtle.ts";
import { fromBase64Url, readVectors, toBase64Url } from "../helpers/vectors.ts";

const encoder = new TextEncoder();
const plaintext = fc.string({ unit: "grapheme", maxLength: 800 }).map((text) =>
  encoder.encode(text).slice(0, MAX_PLAINTEXT)
);

const freshSalt = () => crypto.getRandomValues(new Uint8Array(16));

Deno.test("message encryption: the message of RFC 8291 5 comes out byte for byte", async () => {
  const vector = await readVectors("rfc8291");
  const ephemeral = await importEphemeral(fromBase64Url(vector.as_private), fromBase64Url(vector.as_public));
  const keys = { p256dh: vector.ua_public, auth: vector.auth_secret };
  const body = await encrypt(encoder.encode(vector.plaintext), keys, { ephemeral, salt: fromBase64Url(vector.salt) });
  equal(toBase64Url(body), vector.body);
});

Deno.test("message encryption: a user agent with http_ece reads any message, in a body of a few sizes", async () => {
  const agent = createUserAgent();
  await fc.assert(
    fc.asyncProperty(plaintext, async (plaintext) => {
      const size = paddedSize(plaintext.byteLength);
      const body = await encrypt(plaintext, agent.keys, {
        ephemeral: (await makeEphemeral())!,
        salt: freshSalt(),
        size,
      });
      equal([encoder.encode(agent.decrypt(body)), body.byteLength], [
        new TextEncoder().encode(new TextDecoder().decode(plaintext)),
        size + 103,
      ]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("message encryption: the biggest message fills 4,096 bytes, which every push service takes", async () => {
  const agent = createUserAgent(), text = "x".repeat(MAX_PLAINTEXT);
  const body = await encrypt(encoder.encode(text), agent.keys, {
    ephemeral: (await makeEphemeral())!,
    salt: freshSalt(),
  });
  equal([body.byteLength, agent.decrypt(body)], [4096, text]);
});

Deno.test("message encryption: no other user agent, and none with another secret, reads it", async () => {
  const [agent, other] = [createUserAgent(), createUserAgent()];
  const ephemeral = (await makeEphemeral())!;
  for (const keys of [other.keys, { ...agent.keys, auth: other.keys.auth }]) {
    const body = await encrypt(encoder.encode("secret"), keys, { ephemeral, salt: freshSalt() });
    equal(read(agent, body), undefined);
  }
});

function read(agent: ReturnType<typeof createUserAgent>, body: Uint8Array): string | undefined {
  try {
    return agent.decrypt(body);
  } catch {
    return undefined;
  }
}

Deno.test("message encryption: pairs are all different, and each point goes with its private key", async () => {
  const pairs = await Promise.all(Array.from({ length: 50 }, () => makeEphemeral()));
  equal(new Set(pairs.map((pair) => pair!.point.toHex())).size, pairs.length);
  const agent = createUserAgent();
  for (const ephemeral of pairs.slice(0, 5)) {
    const body = await encrypt(encoder.encode("hello"), agent.keys, { ephemeral: ephemeral!, salt: freshSalt() });
    equal(agent.decrypt(body), "hello");
  }
});

Deno.test("message encryption: a runtime that writes or reads keys in another form makes no pairs", async () => {
  equal(await makeEphemeral(oddSubtle("exports another form")), undefined);
  equal(await makeEphemeral(oddSubtle("imports no minimal form")), undefined);
});

Deno.test("message encryption: the library's way is read alike, padded by white space that JSON allows", async () => {
  const agent = createUserAgent();
  await fc.assert(
    fc.asyncProperty(
      fc.json().map((json) => encoder.encode(json)).filter(({ length }) => length <= MAX_PLAINTEXT),
      (json) => {
        const body = encryptByLibrary(json, agent.keys), text = agent.decrypt(body);
        equal(text.trimEnd(), new TextDecoder().decode(json).trimEnd());
        equal([encoder.encode(text).byteLength, body.byteLength], [
          paddedSize(json.byteLength),
          paddedSize(json.byteLength) + 103,
        ]);
        return Promise.resolve();
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("message encryption: keys off the curve never become a message", async () => {
  const { keys } = createUserAgent(), point = fromBase64Url(keys.p256dh);
  const p256dh = toBase64Url(point.with(64, point[64]! ^ 1));
  const inputs = { ephemeral: (await makeEphemeral())!, salt: freshSalt() };
  ok(await encrypt(encoder.encode("x"), { ...keys, p256dh }, inputs).then(() => false, () => true));
});
