import { createECDH } from "node:crypto";
import fc from "fast-check";
import { minimalPkcs8, splitPkcs8 } from "../../src/wire/pkcs8.ts";
import { equal, ok } from "../helpers/assert.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };

async function exportedKey(): Promise<Uint8Array<ArrayBuffer>> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["deriveBits"]) as CryptoKeyPair;
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
}

Deno.test("pkcs8: a key of this runtime is split into a scalar and the point that goes with it", async () => {
  const { scalar, point } = splitPkcs8(await exportedKey())!;
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(scalar);
  equal([scalar.byteLength, new Uint8Array(pair.getPublicKey())], [32, point]);
});

Deno.test("pkcs8: the minimal form agrees on the same secrets as the whole key", async () => {
  const der = await exportedKey(), other = await crypto.subtle.generateKey(P256, true, ["deriveBits"]) as CryptoKeyPair;
  const secretOf = async (form: Uint8Array<ArrayBuffer>) => {
    const key = await crypto.subtle.importKey("pkcs8", form, P256, false, ["deriveBits"]);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: other.publicKey }, key, 256)).toHex();
  };
  equal(await secretOf(minimalPkcs8(splitPkcs8(der)!.scalar)), await secretOf(der));
});

Deno.test("pkcs8: any other form is none of ours", async () => {
  const der = await exportedKey();
  const others = [
    der.slice(1),
    der.slice(0, -1),
    new Uint8Array([...der, 0]),
    minimalPkcs8(der.slice(36, 68)),
    new Uint8Array(),
  ];
  for (const other of others) equal(splitPkcs8(other), undefined);
  // Whatever is changed in the frame around the two numbers.
  fc.assert(fc.property(fc.nat(der.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const changed = der.with(at, der[at]! ^ change);
    const inNumbers = at >= 36 && at < 68 || at > 73;
    ok((splitPkcs8(changed) !== undefined) === inNumbers, `${at}`);
  }));
});
