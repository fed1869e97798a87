import fc from "fast-check";
import { parseRetryAfter } from "../../src/wire/retry_after.ts";
import { text } from "../helpers/arbitraries.ts";
import { equal, ok } from "../helpers/assert.ts";

/** The moment of RFC 9110's examples of dates. */
const THEN = Date.UTC(1994, 10, 6, 8, 49, 37);
const now = THEN - 90_000;
const LONGEST = 28 * 86_400_000;

Deno.test("retry after: seconds are read, zero and many among them", () => {
  equal(["0", "1", "120", " 120 ", "0120"].map((field) => parseRetryAfter(field, now)), [
    0,
    1000,
    120_000,
    120_000,
    120_000,
  ]);
});

Deno.test("retry after: the three forms of a date of RFC 9110 5.6.7 are one moment", () => {
  for (const date of ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]) {
    equal(parseRetryAfter(date, now), 90_000);
  }
});

Deno.test("retry after: a date that is over means now, one that is far off 28 days", () => {
  equal(parseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", THEN + 1), 0);
  equal(parseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", now), LONGEST);
  equal(parseRetryAfter("9".repeat(400), now), LONGEST);
});

Deno.test("retry after: two digits of a year more than 50 years ahead are of the past", () => {
  const in2026 = Date.UTC(2026, 0, 1);
  equal(parseRetryAfter("Sunday, 06-Nov-94 08:49:37 GMT", in2026), 0);
  equal(parseRetryAfter("Friday, 06-Nov-26 08:49:37 GMT", in2026), LONGEST);
  equal(parseRetryAfter("Thursday, 01-Jan-26 00:00:09 GMT", in2026), 9_000);
});

const GARBAGE = [
  "",
  "-1",
  "+5",
  "1.5",
  "1e3",
  "0x10",
  "soon",
  "12 0",
  "120, 240",
  "Sun, 31 Feb 1994 08:49:37 GMT",
  "Sun, 00 Nov 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 06 Nov 1994 08:49:37 CET",
  "Sun, 6 Nov 1994 08:49:37 GMT",
  "1994-11-06T08:49:37Z",
  "Sun, 06 Nov 1994 08:49:37 GMT, 5",
];

for (const field of GARBAGE) {
  Deno.test(`retry after: ${JSON.stringify(field)} says nothing`, () => equal(parseRetryAfter(field, now), undefined));
}

Deno.test("retry after: any text is nothing, or a wait of 0 to 28 days", () => {
  const almost = fc.constantFrom("Sun, ", "06 Nov 1994 ", "08:49:37 GMT", "1", "99999999999", " ", "-", "Nov", "GMT");
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.array(almost).map((parts) => parts.join("")),
      ),
      fc.date({ noInvalidDate: true }),
      (field, at) => {
        const wait = parseRetryAfter(field, at.getTime());
        ok(wait === undefined || wait >= 0 && wait <= LONGEST, `${wait}`);
      },
    ),
  );
});

Deno.test("retry after: any moment to come that a server prints is waited for, to the second", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: LONGEST / 1000 }), (seconds) => {
    const at = Date.UTC(2026, 10, 23), date = new Date(at + seconds * 1000).toUTCString();
    equal([parseRetryAfter(date, at), parseRetryAfter(`${seconds}`, at)], [seconds * 1000, seconds * 1000]);
  }));
});
