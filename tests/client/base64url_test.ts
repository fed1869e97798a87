import fc from "fast-check";
import { fromBase64Url, toBase64Url } from "../../src/client/base64url.ts";
import { equal, ok } from "../helpers/assert.ts";

Deno.test("client base64url: it writes what the platform writes, and reads it back", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = toBase64Url(bytes);
    equal(text, bytes.toBase64({ alphabet: "base64url", omitPadding: true }));
    equal(fromBase64Url(text), new Uint8Array(bytes));
    equal(fromBase64Url(bytes.toBase64({ alphabet: "base64url" })), new Uint8Array(bytes));
  }));
});

Deno.test("client base64url: any text is bytes or undefined", () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."aZ09-_=+/ \n") }));
  fc.assert(fc.property(text, (text) => {
    const bytes = fromBase64Url(text);
    ok(bytes === undefined || bytes instanceof Uint8Array);
  }));
  for (const bad of ["a", "a b", "ab+c", "ab/c", "ab===", "=", "ä", "abcd\n"]) {
    equal([bad, fromBase64Url(bad)], [bad, bad === "=" ? new Uint8Array() : undefined]);
  }
});
