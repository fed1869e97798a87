/** The keys of a user agent (RFC 8291 2.1), as a stranger hands them over. */
import { CarillonError } from "../errors.ts";
import type { Keys, PushKeys } from "../model/subscription.ts";

const POINT = 65;
const SECRET = 16;

/** SEC 1, 2.3.3: an uncompressed point. */
const UNCOMPRESSED = 4;

/** P-256 (FIPS 186-5, SP 800-186 3.2.1.3): y² = x³ - 3x + b modulo p. */
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** Checks keys in base64url or base64, padded or not, and answers them in base64url without padding. Throws `bad_request`. */
export function readPushKeys({ p256dh, auth }: Keys = {}): PushKeys {
  if (p256dh === undefined || auth === undefined) throw missing();
  return { p256dh: readPoint("p256dh", p256dh), auth: encode(decode("auth", auth, SECRET)) };
}

/** Checks a point of P-256, and answers it in base64url without padding. Throws `bad_request` with the key's name. */
export function readPoint(name: string, text: string): string {
  const point = decode(name, text, POINT);
  if (point[0] !== UNCOMPRESSED) throw refuse(name, "it does not begin with 0x04, as an uncompressed point does");
  // Deno's importKey takes any 65 bytes. A point off the curve would give bits of our private key away.
  if (!isOnCurve(point)) throw refuse(name, "it is no point on the curve P-256");
  return encode(point);
}

function decode(name: string, text: string, length: number): Uint8Array {
  const bytes = parse(text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"));
  if (!bytes) throw refuse(name, "it is no base64url");
  if (bytes.byteLength !== length) throw refuse(name, `it has ${bytes.byteLength} bytes and not ${length}`);
  return bytes;
}

function parse(text: string): Uint8Array | undefined {
  // fromBase64 skips white space.
  if (!/^[\w-]*$/.test(text)) return undefined;
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

function encode(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function isOnCurve(point: Uint8Array): boolean {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => BigInt(`0x${bytes.toHex()}`)) as [
    bigint,
    bigint,
  ];
  return x < P && y < P && (y * y - x * x * x + 3n * x - B) % P === 0n;
}

function missing(): CarillonError {
  return new CarillonError("bad_request", "the subscription was refused: it names no keys p256dh and auth");
}

function refuse(name: string, reason: string): CarillonError {
  return new CarillonError("bad_request", `the key ${name} was refused: ${reason}`);
}
