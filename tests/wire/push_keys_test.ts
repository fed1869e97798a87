import { randomBytes } from "node:crypto";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { readPushKeys } from "../../src/wire/push_keys.ts";
import { text } from "../helpers/arbitraries.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { createUserAgent } from "../helpers/push_user_agent.ts";
import { fromBase64Url, readVectors, toBase64Url } from "../helpers/vectors.ts";

const { keys } = createUserAgent();
const point = fromBase64Url(keys.p256dh);

const standard = (text: string) => Buffer.from(text, "base64url").toString("base64");

Deno.test("push keys: the keys of RFC 8291 5 are good", async () => {
  const { ua_public: p256dh, auth_secret: auth } = await readVectors("rfc8291");
  equal(readPushKeys({ p256dh, auth }), { p256dh, auth });
});

Deno.test("push keys: base64url and base64, padded or not, become base64url without padding", () => {
  // Enough of them that every character of the alphabets stands in one.
  for (let n = 0; n < 50; n++) {
    const { keys } = createUserAgent();
    for (const padded of [true, false]) {
      for (const spell of [standard, (text: string) => text + "=".repeat((4 - text.length % 4) % 4)]) {
        const form = (text: string) => padded ? spell(text) : spell(text).replace(/=+$/, "");
        equal(readPushKeys({ p256dh: form(keys.p256dh), auth: form(keys.auth) }), keys);
      }
    }
  }
});

const P = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

/** Points that are none; importKey of Deno takes the first four. */
const BAD_POINTS: Record<string, Uint8Array> = {
  "off the curve": point.with(64, point[64]! ^ 1),
  "of zeros": new Uint8Array(65).with(0, 4),
  "of ones": new Uint8Array(65).fill(255).with(0, 4),
  "whose x is p, as good as 0": new Uint8Array([4, ...Uint8Array.fromHex(P), ...point.slice(33)]),
  "compressed": new Uint8Array([2 + (point[64]! & 1), ...point.slice(1, 33)]),
  "of the hybrid form": point.with(0, 6 + (point[64]! & 1)),
  "at infinity": new Uint8Array([0]),
  "a byte short": point.slice(0, 64),
  "a byte long": new Uint8Array([...point, 0]),
  "without its first byte": point.slice(1),
  "empty": new Uint8Array(),
};

for (const [what, bytes] of Object.entries(BAD_POINTS)) {
  Deno.test(`push keys: a point ${what} is refused`, async () => {
    const { message } = await refuses("bad_request", () => readPushKeys({ ...keys, p256dh: toBase64Url(bytes) }));
    ok(message.includes("p256dh") && (bytes.length < 9 || !message.includes(toBase64Url(bytes).slice(0, 12))), message);
  });
}

Deno.test("push keys: y and -y are both on the curve, and nothing near them is", async () => {
  const y = BigInt(`0x${point.slice(33).toHex()}`), p = BigInt(`0x${P}`);
  const withY = (y: bigint) =>
    toBase64Url(new Uint8Array([...point.slice(0, 33), ...Uint8Array.fromHex(y.toString(16).padStart(64, "0"))]));
  equal(readPushKeys({ ...keys, p256dh: withY(p - y) }).p256dh, withY(p - y));
  for (const other of [y + 1n, y - 1n, p - y + 1n]) {
    await refuses("bad_request", () => readPushKeys({ ...keys, p256dh: withY(other) }));
  }
});

Deno.test("push keys: an auth secret of another length, or in another spelling, is refused without being said", async () => {
  for (const length of [0, 1, 15, 17, 32]) {
    const auth = randomBytes(length).toString("base64url");
    const { message } = await refuses("bad_request", () => readPushKeys({ ...keys, auth }));
    ok(message.includes("auth") && (length < 9 || !message.includes(auth)), message);
  }
  for (
    const auth of [
      "BTBZ MqHH6r4Tts7J_aSIgg",
      "BTBZMqHH6r4Tts7J_aSIgg\n",
      "BTBZMqHH6r4Tts7J_aSIg*",
      "BTBZMqHH6r4Tts7J=aSIgg",
      "ä",
      "A",
    ]
  ) {
    await refuses("bad_request", () => readPushKeys({ ...keys, auth }));
  }
});

Deno.test("push keys: any texts are keys or bad_request", () => {
  const almost = fc.tuple(fc.nat(64), fc.nat(255)).map(([at, byte]) => toBase64Url(point.with(at, byte)));
  const any = fc.oneof(text, fc.base64String(), almost, fc.constant(keys.p256dh), fc.constant(keys.auth));
  fc.assert(
    fc.property(any, any, (p256dh, auth) => {
      try {
        const read = readPushKeys({ p256dh, auth });
        equal([fromBase64Url(read.p256dh).byteLength, fromBase64Url(read.auth).byteLength], [65, 16]);
      } catch (thrown) {
        ok(thrown instanceof CarillonError && thrown.code === "bad_request", `${thrown}`);
      }
    }),
    { numRuns: 500 },
  );
});
