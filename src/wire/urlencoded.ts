/** `application/x-www-form-urlencoded` as WHATWG URL 5.1 reads it, but that invalid UTF-8 is refused, not replaced. */
import { CarillonError } from "../errors.ts";

/** Name and value of each field, in order. Throws `bad_request`. */
export function parseUrlencoded(text: string): [name: string, value: string][] {
  return text.split("&").filter((field) => field !== "").map((field) => {
    const at = field.indexOf("=");
    return at < 0 ? [decode(field), ""] : [decode(field.slice(0, at)), decode(field.slice(at + 1))];
  });
}

/** A percent sign that begins no escape stands for itself. */
const STRAY = /%(?![0-9A-Fa-f]{2})/g;

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " ").replace(STRAY, "%25"));
  } catch {
    throw new CarillonError("bad_request", "the form was not decoded: it is not percent-encoded UTF-8");
  }
}
