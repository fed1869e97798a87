import fc from "fast-check";
import { readVapid } from "../../src/wire/vapid_header.ts";
import { equal, ok } from "../helpers/assert.ts";

Deno.test("vapid header: t and k in any order, with spaces and quotes as RFC 9110 allows", () => {
  const read = { t: "a.b.c", k: "BA-_" };
  for (
    const text of [
      "vapid t=a.b.c, k=BA-_",
      "vapid t=a.b.c,k=BA-_",
      "VAPID k=BA-_, t=a.b.c",
      'vapid t="a.b.c", k="BA-_"',
      "  vapid   t = a.b.c ,  k = BA-_  ",
      "vapid t=a.b.c, k=BA-_==",
      "vapid t=a.b.c, k=BA-_, x=y",
    ]
  ) equal(readVapid(text), read, text);
});

Deno.test("vapid header: everything else is none", () => {
  for (
    const text of [
      "",
      "vapid",
      "vapid t=a",
      "vapid k=a",
      "Bearer t=a, k=b",
      "vapid t=a k=b",
      "vapid t=, k=b",
      "vapid t=a, t=b, k=c",
    ]
  ) equal(readVapid(text), undefined, text);
});

Deno.test("vapid header: any text is read or is none, in no time", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const read = readVapid(text);
    ok(read === undefined || (read.t !== "" && read.k !== ""));
  }));
  const began = performance.now();
  readVapid(`vapid ${"t = ".repeat(20_000)}`);
  readVapid(`vapid ${" ".repeat(60_000)}x`);
  ok(performance.now() - began < 1_000);
});
