/** Private keys of P-256 as PKCS#8 (RFC 5958, RFC 5915): the two forms that message encryption needs. */

/** The DER of a whole key around the scalar (32 bytes) and the point (65 bytes, the first of which is 4). */
const HEAD = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420";
const MIDDLE = "a144034200" + "04";

const SCALAR_AT = HEAD.length / 2;
const POINT_AT = SCALAR_AT + 32 + MIDDLE.length / 2 - 1;
const LENGTH = POINT_AT + 65;

/** The same without the point, which RFC 5915 3 lets out. */
const MINIMAL_HEAD = Uint8Array.fromHex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420");

/** The scalar and the point of an exported key. Undefined when the DER has another form. */
export function splitPkcs8(der: Uint8Array): { scalar: Uint8Array; point: Uint8Array } | undefined {
  const hex = der.toHex();
  if (der.byteLength !== LENGTH || !hex.startsWith(HEAD) || !hex.startsWith(MIDDLE, 2 * SCALAR_AT + 64)) {
    return undefined;
  }
  return { scalar: der.slice(SCALAR_AT, SCALAR_AT + 32), point: der.slice(POINT_AT) };
}

/** The DER of a private key without its point. */
export function minimalPkcs8(scalar: Uint8Array): Uint8Array<ArrayBuffer> {
  const der = new Uint8Array(MINIMAL_HEAD.byteLength + scalar.byteLength);
  der.set(MINIMAL_HEAD);
  der.set(scalar, MINIMAL_HEAD.byteLength);
  return der;
}
