import fc from "fast-check";
import { addTally, countSeen, createTally, distribution, quantileOf } from "../../../scripts/simulate/tally.ts";
import { equal, ok } from "../../helpers/assert.ts";

const stalenesses = fc.array(fc.oneof(fc.nat(100), fc.nat(100_000), fc.nat(2 ** 31 - 1)), { minLength: 1 });

Deno.test("simulate: a quantile is that of all that was counted, to a thirty-second", () => {
  fc.assert(fc.property(stalenesses, fc.double({ min: 0.01, max: 1, noNaN: true }), (stalenesses, q) => {
    const tally = createTally(1);
    for (const staleness of stalenesses) countSeen(tally, 1, staleness);
    const sorted = stalenesses.toSorted((a, b) => a - b);
    const exact = sorted[Math.ceil(q * sorted.length - 1e-9) - 1]!, found = quantileOf(tally, q);
    ok(Math.abs(found - exact) <= exact / 32, `${found} for ${exact}`);
    ok(Number.isNaN(quantileOf(tally, q, 0)), "nothing of another importance was counted");
  }));
});

Deno.test("simulate: parts that were counted apart are the whole", () => {
  fc.assert(fc.property(stalenesses, stalenesses, (some, others) => {
    const [a, b, whole] = [createTally(1), createTally(1), createTally(1)];
    for (const staleness of some) countSeen(a, 0, staleness);
    for (const staleness of others) countSeen(b, 2, staleness);
    for (const staleness of some) countSeen(whole, 0, staleness);
    for (const staleness of others) countSeen(whole, 2, staleness);
    b.requests[7] = whole.requests[7] = 3;
    addTally(a, b);
    equal(a, whole);
    equal(distribution(a).reduce((sum, { count }) => sum + count, 0), a.seen);
  }));
});
