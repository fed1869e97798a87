/** Text in header fields: browsers send it as UTF-8 (WHATWG HTML 9.2.4), HTTP libraries hand over each byte as a character. */
import { Buffer } from "node:buffer";

// Fatal: U+FFFD in a text would else look like bytes that are none.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a field's value says; unchanged when its bytes are no UTF-8. */
export function decodeHeader(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.toString("latin1") !== value) return value;
  try {
    return decoder.decode(bytes);
  } catch {
    return value;
  }
}

/** A character for each byte of the text's UTF-8, as HTTP libraries want it. */
export function encodeHeader(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
