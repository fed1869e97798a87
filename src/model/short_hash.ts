import { createHash } from "node:crypto";

/** 22 characters of base64url, 128 bits: what stands in keys for text that may be long or secret. */
export function shortHash(...parts: string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);
}
