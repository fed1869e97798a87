import webPush from "web-push";
import fc from "fast-check";
import { decrypt } from "../../src/client/decrypt.ts";
import { importKeys, type KeptKeys, makeKeys, publicKeys } from "../../src/client/keys.ts";
import { encrypt, makeEphemeral } from "../../src/wire/message_encryption.ts";
import { equal } from "../helpers/assert.ts";
import { failsAs } from "../helpers/receiver_error.ts";
import { fromBase64Url, readVectors, toBase64Url } from "../helpers/vectors.ts";

const vector = await readVectors("rfc8291");
const decoder = new TextDecoder();

/** The user agent of RFC 8291 5. */
function keptOfVector(): KeptKeys {
  const point = fromBase64Url(vector.ua_public);
  const [x, y] = [toBase64Url(point.slice(1, 33)), toBase64Url(point.slice(33))];
  return { privateKey: { kty: "EC", crv: "P-256", x, y, d: vector.ua_private }, auth: vector.auth_secret };
}

/** As an application server does with the `web-push` package. */
function encryptByLibrary(text: string, { p256dh, auth }: { p256dh: string; auth: string }): Uint8Array<ArrayBuffer> {
  return new Uint8Array(webPush.encrypt(p256dh, auth, text, "aes128gcm").cipherText);
}

Deno.test("client decrypt: the message of RFC 8291 5 is read", async () => {
  const keys = await importKeys(keptOfVector());
  equal(publicKeys(keys), { p256dh: vector.ua_public, auth: vector.auth_secret });
  equal(decoder.decode(await decrypt(fromBase64Url(vector.body), keys)), vector.plaintext);
});

Deno.test("client decrypt: what the web-push package encrypts is read", async () => {
  const keys = await importKeys(await makeKeys());
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 500 }).map((text) => text.toWellFormed());
  await fc.assert(
    fc.asyncProperty(text, async (text) => {
      equal(decoder.decode(await decrypt(encryptByLibrary(text, publicKeys(keys)), keys)), text);
    }),
    { numRuns: 40 },
  );
});

Deno.test("client decrypt: what Carillon's own transport encrypts and pads is read", async () => {
  const keys = await importKeys(await makeKeys());
  const inputs = { ephemeral: (await makeEphemeral())!, salt: crypto.getRandomValues(new Uint8Array(16)), size: 512 };
  const body = await encrypt(new TextEncoder().encode("padded"), publicKeys(keys), inputs);
  equal(decoder.decode(await decrypt(body, keys)), "padded");
});

Deno.test("client decrypt: a message for other keys, or another secret, is undecryptable", async () => {
  const [kept, other] = [await makeKeys(), await makeKeys()], keys = await importKeys(kept);
  for (const wrong of [other, { ...kept, auth: other.auth }, { ...other, auth: kept.auth }]) {
    const body = encryptByLibrary("secret", publicKeys(await importKeys(wrong)));
    await failsAs("undecryptable", decrypt(body, keys));
  }
});

Deno.test("client decrypt: a sender's key that is no point on the curve is undecryptable", async () => {
  const keys = await importKeys(keptOfVector()), body = fromBase64Url(vector.body);
  for (const at of [21, 22, 53, 54, 85]) {
    await failsAs("undecryptable", decrypt(body.with(at, body[at]! ^ 1), keys));
  }
});

Deno.test("client decrypt: any bytes are undecryptable, and nothing else is thrown", async () => {
  const keys = await importKeys(keptOfVector()), whole = fromBase64Url(vector.body);
  const near = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1 })
    .map((changes) => changes.reduce((body, [at, by]) => body.with(at, whole[at]! ^ by), whole))
    .filter((body) => body.some((byte, at) => byte !== whole[at] && (at < 16 || at > 19)));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), async (bytes) => {
      await failsAs("undecryptable", decrypt(new Uint8Array(bytes), keys));
    }),
    { numRuns: 200 },
  );
});
