/** Published vectors, as they stand in tests/fixtures/. */

/** Reads one file of vectors; each says where it is from. */
export async function readVectors(name: string) {
  return JSON.parse(await Deno.readTextFile(new URL(`../fixtures/${name}.json`, import.meta.url)));
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

export function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
