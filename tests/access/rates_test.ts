import { createRates } from "../../src/access/rates.ts";
import { CarillonError } from "../../src/errors.ts";
import { equal, refuses } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

function setUp(rate?: number) {
  const clock = manualClock();
  const charge = createRates([{ iss: "dav", rate }, { iss: "other", rate: 1 }, { iss: "local" }], clock.elapsed);
  return { clock, charge };
}

/** The seconds that a refused issuer is told to wait. */
function waitOf(charge: () => void): string | undefined {
  try {
    charge();
  } catch (thrown) {
    return (thrown as CarillonError).headers["retry-after"];
  }
}

Deno.test("rates: a second's worth comes at once, and then so many a second", async () => {
  const { clock, charge } = setUp(10);
  for (let n = 0; n < 10; n++) charge("dav", 1);
  await refuses("too_many_changes", () => charge("dav", 1));
  clock.advance(100);
  charge("dav", 1);
  await refuses("too_many_changes", () => charge("dav", 1));
  clock.advance(3_600_000);
  for (let n = 0; n < 10; n++) charge("dav", 1);
  await refuses("too_many_changes", () => charge("dav", 1));
});

Deno.test("rates: changes are charged, not messages, and a message larger than the bucket is owed", async () => {
  const { clock, charge } = setUp(10);
  charge("dav", 500);
  equal(waitOf(() => charge("dav", 1)), "50");
  clock.advance(48_900);
  equal(waitOf(() => charge("dav", 1)), "1");
  clock.advance(200);
  charge("dav", 500);
  await refuses("too_many_changes", () => charge("dav", 1));
});

Deno.test("rates: who obeys Retry-After is let in", () => {
  const { clock, charge } = setUp(3);
  charge("dav", 10);
  clock.advance(1_000 * Number(waitOf(() => charge("dav", 1))));
  charge("dav", 1);
});

Deno.test("rates: one issuer pays nothing for another, and one without a rate never", async () => {
  const { charge } = setUp(10);
  charge("other", 5);
  await refuses("too_many_changes", () => charge("other", 1));
  charge("dav", 1);
  for (let n = 0; n < 1_000; n++) charge("local", 500);
});

Deno.test("rates: what was refused is charged for nothing", () => {
  const { clock, charge } = setUp(10);
  charge("dav", 10);
  for (let n = 0; n < 1_000; n++) waitOf(() => charge("dav", 1));
  clock.advance(100);
  charge("dav", 1);
});
