/** Text in header fields: browsers send it as UTF-8 (WHATWG HTML 9.2.4), HTTP libraries hand over each byte as a character. */
import { Buffer } from "node:buffer";

/** What a field's value says; unchanged when its bytes are no UTF-8. */
export function decodeHeader(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.toString("latin1") !== value) return value;
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? value : text;
}

/** A character for each byte of the text's UTF-8, as HTTP libraries want it. */
export function encodeHeader(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
