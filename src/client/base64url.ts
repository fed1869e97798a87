/** Base64url without padding (RFC 4648 5), also where `Uint8Array.fromBase64` is not there yet. */

const BASE64URL = /^[\w-]*$/;

export function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Undefined for what is no base64url; padding is taken. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bare = text.replace(/={1,2}$/, "");
  // atob skips white space, and a single character more than a multiple of four holds no byte.
  if (!BASE64URL.test(bare) || bare.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(bare.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}
