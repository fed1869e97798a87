import { createRoster } from "../../src/broker/roster.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

Deno.test("roster: who was seen to move in the last twenty seconds counts, whoever never moved does not", async () => {
  const clock = manualClock(), versions: Record<string, string> = { dead: "1", alive: "1" };
  let renewed = 0;
  const count = createRoster({
    clock,
    renew: () => Promise.resolve(void renewed++),
    others: () => Promise.resolve(Object.entries(versions).map(([worker, versionstamp]) => ({ worker, versionstamp }))),
  });
  equal([await count(), renewed], [1, 1]);
  versions.alive = "2";
  equal(await count(), 2);
  clock.advance(19_999);
  equal(await count(), 2);
  clock.jump(3_600_000);
  equal(await count(), 2);
  clock.advance(1);
  equal(await count(), 1);
  versions.alive = "3";
  equal(await count(), 2);
  delete versions.alive;
  equal([await count(), renewed], [1, 7]);
});
