import fc from "fast-check";
import { CarillonError } from "../../src/errors.ts";
import { parseUrlencoded } from "../../src/wire/urlencoded.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { text } from "../helpers/arbitraries.ts";

const fields = fc.array(fc.tuple(text, text), { maxLength: 8 });

Deno.test("urlencoded: what URLSearchParams prints is read alike", () => {
  fc.assert(fc.property(fields, (fields) => {
    const printed = new URLSearchParams(fields).toString();
    equal(parseUrlencoded(printed), [...new URLSearchParams(printed)]);
  }));
});

Deno.test("urlencoded: plus, empty fields, missing values, second equals signs and stray percent signs are read as URLSearchParams does", () => {
  // No hexadecimal digit alone: "%", "a", "a" together would be a byte that is no UTF-8.
  const pieces = fc.constantFrom("&", "=", "+", "x", "%20", "%C3%A4", "ä", "?", "/", "%2B", "🔔", "%", "%4", "%zz");
  fc.assert(fc.property(fc.array(pieces).map((p) => p.join("")), (form) => {
    // The constructor drops a leading question mark; a body has none to drop.
    equal(parseUrlencoded(form), [...new URLSearchParams(form.startsWith("?") ? `?${form}` : form)]);
  }));
});

Deno.test("urlencoded: bytes that are no UTF-8 are bad_request, in names and values", async () => {
  for (const bad of ["%FF", "%C3", "%C3%28", "%ED%A0%80", "%F8%88%80%80%80", "%E2%8", "%c0%80"]) {
    for (const form of [bad, `a=${bad}`, `${bad}=a`, `a=b&c=${bad}`]) {
      await refuses("bad_request", () => parseUrlencoded(form));
    }
  }
});

Deno.test("urlencoded: any bytes are read as URLSearchParams does, or bad_request", () => {
  const escape = fc.uint8Array({ maxLength: 12 }).map((bytes) =>
    [...bytes].map((b) => `%${b.toString(16).padStart(2, "0")}`).join("")
  );
  fc.assert(fc.property(fc.array(fc.oneof(escape, fc.string()), { maxLength: 4 }).map((p) => p.join("&")), (form) => {
    try {
      equal(parseUrlencoded(form), [...new URLSearchParams(form.startsWith("?") ? `?${form}` : form)]);
    } catch (thrown) {
      ok(thrown instanceof CarillonError && thrown.code === "bad_request");
    }
  }));
});
