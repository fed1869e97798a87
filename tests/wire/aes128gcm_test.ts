import { Buffer } from "node:buffer";
import ece from "http_ece";
import fc from "fast-check";
import { encryptRecord, MAX_PLAINTEXT, paddedSize } from "../../src/wire/aes128gcm.ts";
import { equal, ok, throws } from "../helpers/assert.ts";
import { fromBase64Url, readVectors, toBase64Url } from "../helpers/vectors.ts";

const { examples: [example] } = await readVectors("rfc8188");
const encoder = new TextEncoder();

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
// http_ece takes no other length of a key.
const keying = fc.record({ ikm: bytesOf(16), salt: bytesOf(16), keyId: bytesOf(65) });

Deno.test("aes128gcm: the example of RFC 8188 3.1 comes out byte for byte", () => {
  const keying = { ikm: fromBase64Url(example.ikm), salt: fromBase64Url(example.salt), keyId: new Uint8Array() };
  equal(toBase64Url(encryptRecord(encoder.encode(example.plaintext), keying)), example.body);
});

Deno.test("aes128gcm: http_ece reads what we write, of any size with any padding", () => {
  const sizes = fc.nat(MAX_PLAINTEXT).chain((size) =>
    fc.record({ plaintext: fc.uint8Array({ maxLength: size }), size: fc.constant(size) })
  );
  fc.assert(fc.property(keying, sizes, ({ ikm, salt, keyId }, { plaintext, size }) => {
    const body = encryptRecord(plaintext, { ikm, salt, keyId }, size);
    equal(body.byteLength, 16 + 4 + 1 + 65 + size + 1 + 16);
    const read = ece.decrypt(Buffer.from(body), { version: "aes128gcm", key: Buffer.from(ikm) });
    equal(new Uint8Array(read), plaintext);
  }));
});

Deno.test("aes128gcm: the padded sizes are few, hold the plaintext, and stay within one record of 4,096 bytes", () => {
  const sizes = new Set<number>();
  for (let length = 0; length <= MAX_PLAINTEXT; length++) {
    ok(paddedSize(length) >= length);
    sizes.add(paddedSize(length));
  }
  equal([...sizes], [128, 256, 512, 1024, 2048, MAX_PLAINTEXT]);
  equal(MAX_PLAINTEXT + 16 + 4 + 1 + 65 + 1 + 16, 4096);
});

Deno.test("aes128gcm: a plaintext that fits no record is refused", () => {
  for (const length of [MAX_PLAINTEXT + 1, 1e6]) throws(() => paddedSize(length), RangeError);
});
