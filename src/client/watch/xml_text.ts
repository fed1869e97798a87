/** Text of XML: its characters, and its references. */
import { ReceiverError } from "../receiver_error.ts";

const ENTITIES = new Map([["amp", "&"], ["lt", "<"], ["gt", ">"], ["quot", '"'], ["apos", "'"]]);

/** XML 1.0 2.2. */
// deno-lint-ignore no-control-regex
const NO_CHARACTER = /[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/;

/** XML 1.0 2.11: lines end alike. Throws `malformed` for what is no character, and for half of one. */
export function normalise(text: string): string {
  if (NO_CHARACTER.test(text) || !text.isWellFormed()) throw malformed("it holds what is no character");
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}

/** Text with what its references stand for (XML 1.0 4.1, 4.6). Throws `malformed`. */
export function readText(text: string, isAttribute = false): string {
  // XML 1.0 2.4.
  if (!isAttribute && text.includes("]]>")) throw malformed("there is an end of CDATA in its text");
  return text.replace(/&(?:([^;&\s]{1,40});)?/g, (_, name = "") => ENTITIES.get(name) ?? readNumber(name));
}

function readNumber(name: string): string {
  const [, hex, decimal] = /^#(?:x([\da-fA-F]+)|(\d+))$/.exec(name) ?? [];
  const code = hex ? parseInt(hex, 16) : decimal ? parseInt(decimal, 10) : -1;
  const character = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
  if (character === "" || NO_CHARACTER.test(character) || !character.isWellFormed()) {
    throw malformed("a reference stands for nothing");
  }
  return character;
}

const REFERENCES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => REFERENCES[character]!);
}

export function malformed(reason: string): ReceiverError {
  return new ReceiverError("malformed", `an answer was not read as XML: ${reason}`);
}
