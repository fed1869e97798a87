import fc from "fast-check";
import { decodeHeader, encodeHeader } from "../../src/wire/header_text.ts";
import { equal } from "../helpers/assert.ts";

Deno.test("header text: any text comes back", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => equal(decodeHeader(encodeHeader(text)), text)));
});

Deno.test("header text: U+FFFD and a byte order mark are text as any other", () => {
  for (const text of ["\ufffd", "a\ufffdb", "\ufeffa"]) equal(decodeHeader(encodeHeader(text)), text);
});

Deno.test("header text: bytes that are no UTF-8 stay as they are", () => equal(decodeHeader("caf\u00e9"), "caf\u00e9"));
