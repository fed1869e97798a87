import fc from "fast-check";
import { DAY, HOUR } from "../../../scripts/simulate/assumptions.ts";
import { isWithin, type Outage, takenAt } from "../../../scripts/simulate/outage.ts";
import { createRandom } from "../../../scripts/simulate/random.ts";
import { equal, ok } from "../../helpers/assert.ts";

const refusal: Outage = { from: 10 * HOUR, to: 11 * HOUR, isRefusal: true };

Deno.test("simulate: what is refused is taken at a try after that, what is accepted at once", () => {
  fc.assert(fc.property(fc.nat(2 * DAY), fc.nat(), (at, seed) => {
    const taken = takenAt(at, refusal, createRandom(seed));
    ok(taken >= at && !isWithin(taken, refusal) && taken < at + 3 * HOUR, `${at} ${taken}`);
    equal([isWithin(at, refusal) || taken === at, takenAt(at, { ...refusal, isRefusal: false }, createRandom(seed))], [
      true,
      at,
    ]);
  }));
});
