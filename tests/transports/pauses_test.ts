import { createPauses } from "../../src/transports/pauses.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

Deno.test("pauses: each lasts as long as it was begun for, whatever the wall clock does", () => {
  const clock = manualClock(), pauses = createPauses(clock);
  pauses.begin("a", 5_000);
  pauses.begin("b", 1_000);
  clock.jump(-60_000);
  clock.advance(1_000);
  equal(["a", "b", "c"].map(pauses.left), [4_000, 0, 0]);
  pauses.begin("a", 100);
  equal(pauses.left("a"), 100);
});

Deno.test("pauses: of very many the first are forgotten", () => {
  const clock = manualClock(), pauses = createPauses(clock);
  for (let n = 0; n < 25_000; n++) pauses.begin(`${n}`, 60_000);
  equal([pauses.left("0"), pauses.left("14999"), pauses.left("15000"), pauses.left("24999")], [0, 0, 60_000, 60_000]);
});
