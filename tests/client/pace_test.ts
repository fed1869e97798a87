import fc from "fast-check";
import { backOff, inTime, systemPace } from "../../src/client/pace.ts";
import { equal, ok } from "../helpers/assert.ts";

Deno.test("client pace: waits double up to half a minute, with jitter", () => {
  const most = [0, 1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) => backOff(attempt, 0, () => 1));
  equal(most, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  equal(backOff(1, 0, () => 0), 500);
});

Deno.test("client pace: no wait is shorter than what was asked for, none is longer than an hour, and none is nothing", () => {
  const asked = fc.oneof(fc.nat(3_600_000), fc.double({ min: 0, max: 1e300, noNaN: true }));
  fc.assert(fc.property(fc.nat(), asked, fc.double({ min: 0, max: 1, noNaN: true }), (attempt, asked, random) => {
    const wait = backOff(attempt, asked, () => random);
    ok(wait >= Math.min(Math.floor(asked), 3_600_000) && wait >= 250 && wait <= 3_600_000, `${wait}`);
  }));
});

Deno.test("client pace: what comes in time leaves no timer behind", async () => {
  equal(await inTime(systemPace, 60_000, () => ok(false), Promise.resolve(7)), 7);
});

Deno.test("client pace: what is late is told of, and not waited for", async () => {
  const pace = { ...systemPace, wait: () => Promise.resolve() }, told: string[] = [];
  const waiting = inTime(pace, 10, () => told.push("late"), new Promise(() => {}));
  equal(await waiting.catch(() => "not in time"), "not in time");
  equal(told, ["late"]);
});

Deno.test("client pace: a wait ends at once when its signal aborts, or has aborted", async () => {
  const ending = new AbortController(), waiting = systemPace.wait(60_000, ending.signal);
  ending.abort();
  await waiting;
  await systemPace.wait(60_000, ending.signal);
});
