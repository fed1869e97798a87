import fc from "fast-check";
import { comparePositions, EARLIEST } from "../../src/model/position.ts";
import { equal, ok } from "../helpers/assert.ts";

const position = fc.record({
  versionstamp: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 20, maxLength: 20 }),
  index: fc.nat(99_999),
}, { noNullPrototype: true });

Deno.test("position: positions are ordered by commit, then by index", () => {
  fc.assert(fc.property(position, position, (a, b) => {
    const expected = BigInt(`0x${a.versionstamp}`) * 100_000n + BigInt(a.index) -
      (BigInt(`0x${b.versionstamp}`) * 100_000n + BigInt(b.index));
    equal(Math.sign(comparePositions(a, b)), expected === 0n ? 0 : expected < 0n ? -1 : 1);
    equal(Math.sign(comparePositions(b, a)), -Math.sign(comparePositions(a, b)) + 0);
  }));
});

Deno.test("position: nothing is before the earliest", () => {
  fc.assert(fc.property(position, (any) => ok(comparePositions(EARLIEST, any) <= 0)));
});
