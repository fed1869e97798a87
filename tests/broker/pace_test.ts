import { createPace } from "../../src/broker/pace.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

function paceAfter(own: number, all: number): number {
  const clock = manualClock();
  const pace = createPace(clock.now);
  for (let n = 0; n < own; n++) pace.committed();
  pace.followed(all);
  clock.advance(1000);
  return pace.gap();
}

Deno.test("pace: a quiet cell never lingers", () => equal(paceAfter(50, 200), 0));
Deno.test("pace: a writer that is alone never lingers", () => equal(paceAfter(5000, 5000), 0));
Deno.test("pace: a writer keeps to its share of the cell's commits", () => equal(paceAfter(100, 800), 40));

Deno.test("pace: what was measured is forgotten with its window", () => {
  const clock = manualClock();
  const pace = createPace(clock.now);
  pace.committed();
  pace.followed(1000);
  clock.advance(1000);
  equal(pace.gap(), 5000);
  clock.advance(1000);
  equal(pace.gap(), 0);
});
