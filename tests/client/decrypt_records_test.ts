import { Buffer } from "node:buffer";
import ece from "http_ece";
import fc from "fast-check";
import { decryptRecords } from "../../src/client/decrypt_records.ts";
import { equal } from "../helpers/assert.ts";
import { failsAs } from "../helpers/receiver_error.ts";
import { fromBase64Url, readVectors } from "../helpers/vectors.ts";

const { examples } = await readVectors("rfc8188");
const decoder = new TextDecoder();

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = Buffer.from("a key of 16 byte");

/** By the other library, in records of `rs` bytes. */
function encrypt(plaintext: Uint8Array, rs: number, pad = 0): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ece.encrypt(Buffer.from(plaintext), { version: "aes128gcm", key, rs, pad }));
}

for (const { plaintext, ikm, body, rs, keyid } of examples) {
  Deno.test(`client aes128gcm: the example of RFC 8188 with records of ${rs} bytes is read`, async () => {
    const asked: string[] = [];
    const read = await decryptRecords(fromBase64Url(body), (keyId) => {
      asked.push(decoder.decode(keyId));
      return fromBase64Url(ikm);
    });
    equal([decoder.decode(read), asked], [plaintext, [keyid]]);
  });
}

Deno.test("client aes128gcm: what http_ece writes is read, in any number of records", async () => {
  const input = fc.record({ plaintext: fc.uint8Array({ maxLength: 300 }), rs: fc.integer({ min: 18, max: 400 }) });
  await fc.assert(fc.asyncProperty(input, async ({ plaintext, rs }) => {
    equal(await decryptRecords(encrypt(plaintext, rs), () => new Uint8Array(key)), new Uint8Array(plaintext));
  }));
});

Deno.test("client aes128gcm: a view into a bigger buffer is read alike", async () => {
  const body = encrypt(new TextEncoder().encode("hello"), 4096), bigger = new Uint8Array(body.byteLength + 7);
  bigger.set(body, 7);
  equal(decoder.decode(await decryptRecords(bigger.subarray(7), () => new Uint8Array(key))), "hello");
});

Deno.test("client aes128gcm: a body that was cut off anywhere is undecryptable", async () => {
  const body = encrypt(new TextEncoder().encode("a text of several records, of which each ends somewhere"), 25);
  for (let length = 0; length < body.byteLength; length++) {
    await failsAs("undecryptable", decryptRecords(body.slice(0, length), () => new Uint8Array(key)));
  }
});

Deno.test("client aes128gcm: records in another order, or twice, are undecryptable", async () => {
  const body = encrypt(new Uint8Array(16), 25), [head, one, two] = [21, 46, 71];
  const swapped = new Uint8Array([
    ...body.slice(0, head!),
    ...body.slice(one, two),
    ...body.slice(head, one),
    ...body.slice(two),
  ]);
  const twice = new Uint8Array([...body.slice(0, one), ...body.slice(head)]);
  for (const wrong of [swapped, twice]) {
    await failsAs("undecryptable", decryptRecords(wrong, () => new Uint8Array(key)));
  }
});

Deno.test("client aes128gcm: one bit more or less anywhere makes it undecryptable, but for the size of a lone record", async () => {
  const body = encrypt(new TextEncoder().encode("hello"), 4096), size = new Set([16, 17, 18, 19]);
  for (let at = 0; at < body.byteLength; at++) {
    if (size.has(at)) continue;
    await failsAs("undecryptable", decryptRecords(body.with(at, body[at]! ^ 1), () => new Uint8Array(key)));
  }
});

Deno.test("client aes128gcm: any bytes are undecryptable, and nothing else is thrown", async () => {
  const header = fc.tuple(bytesOf(16), bytesOf(4), fc.uint8Array({ minLength: 1, maxLength: 300 })).map((parts) =>
    Uint8Array.from(parts.flatMap((part) => [...part]))
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 400 }), header), async (bytes) => {
      await failsAs("undecryptable", decryptRecords(new Uint8Array(bytes), () => new Uint8Array(key)));
    }),
    { numRuns: 300 },
  );
});
