import fc from "fast-check";
import {
  ASSUMED,
  type Assumptions,
  countDevices,
  DAY,
  HOUR,
  type Load,
  LOADS,
  MINUTE,
  SECOND,
} from "../../../scripts/simulate/assumptions.ts";
import { toFigures } from "../../../scripts/simulate/figures.ts";
import { countGroups, type Scenario } from "../../../scripts/simulate/group.ts";
import { simulatePart } from "../../../scripts/simulate/part.ts";
import { simulate } from "../../../scripts/simulate/simulate.ts";
import { every, STRATEGIES, type Strategy } from "../../../scripts/simulate/strategies.ts";
import { addTally, distribution, quantileOf } from "../../../scripts/simulate/tally.ts";
import { startThreads } from "../../../scripts/simulate/threads.ts";
import { equal, ok } from "../../helpers/assert.ts";

const [NORMAL, OUTAGE, REFUSAL] = ["normal", "outage", "refusal"].map((name) =>
  LOADS.find((load) => load.name === name)!
) as [Load, Load, Load];

const strategyOf = (name: string) => STRATEGIES.find((strategy) => strategy.name === name)!;

/** Each sitting one change, nothing lost, all hours alike: what can be computed without a simulation. */
const SIMPLE: Assumptions = {
  ...ASSUMED,
  sitting: 1,
  imports: { ...ASSUMED.imports, share: 0 },
  shape: ASSUMED.shape.map(() => 1),
  loss: 0,
};

function scenarioOf(strategy: Strategy, { users = 40, days = 2, seed = 1, ...more } = {}): Scenario {
  return { size: { users, days, seed }, assumptions: ASSUMED, load: NORMAL, strategy, ...more };
}

function simulateAll(scenario: Scenario, waits?: Uint32Array) {
  return simulatePart(scenario, { from: 0, to: countGroups(scenario.size.users) }, waits);
}

const total = (requests: Uint32Array) => requests.reduce((sum, count) => sum + count, 0);
const sum = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

/** Within so many standard deviations of a Poisson number. */
function nearly(found: number, expected: number): void {
  ok(Math.abs(found - expected) <= 5 * Math.sqrt(expected), `${found} for ${expected}`);
}

Deno.test("simulate: the same seed is the same result, in whatever parts, and another seed is another", () => {
  for (const strategy of STRATEGIES) {
    const scenario = scenarioOf(strategy), whole = simulateAll(scenario);
    const parts = [[0, 3], [3, 3], [3, 10]].map(([from, to]) => simulatePart(scenario, { from: from!, to: to! }));
    const [sum, ...rest] = parts;
    for (const part of rest) addTally(sum!, part);
    equal(sum, whole);
    ok(total(simulateAll(scenarioOf(strategy, { seed: 2 })).requests) !== total(whole.requests));
  }
});

Deno.test("simulate: threads find what one part finds", async () => {
  using threads = startThreads(2);
  const scenario = scenarioOf(strategyOf("push+poll-4h"), { users: 13 });
  equal(await threads.simulateAll(scenario), simulateAll(scenario));
});

Deno.test("simulate: every change is seen by everyone but its author, or counted as never seen", () => {
  const anything = fc.record({
    strategy: fc.constantFrom(...STRATEGIES),
    load: fc.constantFrom(...LOADS),
    users: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
    loss: fc.constantFrom(0, 0.005, 0.5, 1),
  });
  fc.assert(
    fc.property(anything, ({ strategy, load, users, seed, loss }) => {
      const assumptions = { ...ASSUMED, loss };
      const tally = simulateAll({ ...scenarioOf(strategy, { users, days: 1, seed }), load, assumptions });
      equal(tally.seen + tally.unseen, tally.due);
      equal(distribution(tally).reduce((sum, { count }) => sum + count, 0), tally.seen);
      ok(tally.unseen <= tally.late && tally.late <= tally.due);
      ok(tally.unseen === 0 || !strategy.poll, "a poll finds everything");
    }),
    { numRuns: 40 },
  );
});

Deno.test("simulate: as many changes as the rates say", () => {
  const { changes } = simulateAll({ ...scenarioOf(STRATEGIES[0]!, { users: 400 }), assumptions: SIMPLE });
  nearly(changes, 2 * (400 * 3 * ASSUMED.ownSittings + 100 * 2 * ASSUMED.sharedSittings));
});

Deno.test("simulate: a poll of every so often sees a change after half of that, and asks once each time", () => {
  for (const interval of [15 * MINUTE, HOUR, 4 * HOUR]) {
    const strategy = { name: "poll", poll: every(interval) };
    const scenario = { ...scenarioOf(strategy, { users: 400 }), assumptions: SIMPLE };
    const { total: staleness, seen, wakeUps, notifications } = simulateAll(scenario);
    ok(Math.abs(staleness / seen / (interval / 2) - 1) < 0.05, `${staleness / seen} for ${interval}`);
    equal([wakeUps, notifications], [countDevices(400) * 2 * DAY / interval, 0]);
    const quiet = { ...SIMPLE, ownSittings: 0, sharedSittings: 0 };
    equal(total(simulateAll({ ...scenario, assumptions: quiet }).requests), wakeUps);
  }
});

Deno.test("simulate: push without merging is one message for each change and device, as late as the push is", () => {
  const tally = simulateAll({ ...scenarioOf(strategyOf("push-each"), { users: 400 }), assumptions: SIMPLE });
  equal([tally.notifications, tally.wakeUps, tally.unseen], [tally.due, tally.due, 0]);
  ok(Math.abs(tally.total / tally.seen / ASSUMED.latency - 1) < 0.05, `${tally.total / tally.seen}`);
  ok(Math.abs(total(tally.requests) - tally.due) <= 3, "those that arrive after the last day are not counted");
});

Deno.test("simulate: merging never sends more, and never leaves anyone out", () => {
  for (const seed of [1, 2, 3]) {
    const assumptions = { ...ASSUMED, loss: 0 };
    const [each, merged] = ["push-each", "push"].map((name) => {
      return simulateAll({ ...scenarioOf(strategyOf(name), { seed }), assumptions });
    });
    ok(merged!.notifications < each!.notifications);
    equal([merged!.unseen, each!.unseen, merged!.due], [0, 0, each!.due]);
  }
});

Deno.test("simulate: as many pushes are lost as is assumed", () => {
  const assumptions = { ...ASSUMED, loss: 0.3 };
  const { notifications, wakeUps } = simulateAll({ ...scenarioOf(strategyOf("push"), { users: 200 }), assumptions });
  nearly(notifications - wakeUps, 0.3 * notifications);
});

Deno.test("simulate: what is changed in one hour of the day is asked for in that hour", () => {
  const shape = ASSUMED.shape.map((_, hour) => hour === 9 ? 1 : 0);
  const assumptions = { ...SIMPLE, latency: 0, shape };
  const { requests } = simulateAll({ ...scenarioOf(strategyOf("push-each")), assumptions });
  ok(total(requests) > 0);
  for (const day of [0, 1]) requests.fill(0, (day * DAY + 9 * HOUR) / SECOND, (day * DAY + 10 * HOUR) / SECOND);
  equal(total(requests), 0);
});

Deno.test("simulate: a weekend has so much less, and a week begins with its Monday", () => {
  const assumptions = { ...SIMPLE, latency: 0, weekend: 0.25 };
  const { requests } = simulateAll({ ...scenarioOf(strategyOf("push-each"), { users: 400, days: 14 }), assumptions });
  const days = Array.from(
    { length: 14 },
    (_, day) => total(requests.subarray(day * DAY / SECOND, (day + 1) * DAY / SECOND)),
  );
  const working = days.filter((_, day) => day % 7 < 5), weekend = days.filter((_, day) => day % 7 >= 5);
  nearly(sum(weekend) / 4, sum(working) / 10 * 0.25);
  const { changes } = simulateAll({
    ...scenarioOf(STRATEGIES[0]!, { days: 7 }),
    assumptions: { ...SIMPLE, weekend: 0 },
  });
  equal(changes, simulateAll({ ...scenarioOf(STRATEGIES[0]!, { days: 5 }), assumptions: SIMPLE }).changes);
});

Deno.test("simulate: what is refused is sent again once it is over, together, and none is lost", () => {
  const assumptions = { ...ASSUMED, loss: 0 }, { from, to } = REFUSAL.outage!;
  const [refused, before] = [REFUSAL, NORMAL].map((load) =>
    simulateAll({ ...scenarioOf(strategyOf("push"), { users: 200 }), load, assumptions })
  );
  equal(total(refused!.requests.subarray(from / SECOND + 60, to / SECOND)), 0);
  ok(refused!.notifications < before!.notifications && refused!.late > before!.late);
  equal([refused!.unseen, refused!.due], [0, before!.due]);
});

Deno.test("simulate: while the push service loses everything nobody asks, and a poll beside it finds what was lost", () => {
  const { from, to } = OUTAGE.outage!;
  const during = (requests: Uint32Array) => total(requests.subarray(from / SECOND + 60, to / SECOND));
  const [alone, both, before] = [["push", OUTAGE], ["push+poll-4h", OUTAGE], ["push", NORMAL]] as const;
  const found = [alone, both, before].map(([name, load]) => simulateAll({ ...scenarioOf(strategyOf(name)), load }));
  equal([during(found[0]!.requests), during(found[2]!.requests) > 0], [0, true]);
  ok(found[0]!.late > found[1]!.late && found[1]!.late > found[2]!.late);
  equal(found[1]!.unseen, 0);
});

Deno.test("simulate: what a server cannot answer is seen later by its wait", async () => {
  const strategy = { name: "poll", poll: every(2 * MINUTE) };
  const quick = { ...scenarioOf(strategy, { users: 400 }), assumptions: SIMPLE };
  // A poll of two minutes is 8.3 requests a second for 1,000 devices: nearly three times what it answers.
  const { tally, longestWait } = await simulate(quick, simulateAll), without = simulateAll(quick);
  equal([tally.requests, tally.due], [without.requests, without.due]);
  ok(longestWait > 24 * HOUR && tally.total > 100 * without.total);
  const { longestWait: none, tally: same } = await simulate({ ...quick, strategy: strategyOf("poll-4h") }, simulateAll);
  ok(none < 60 * SECOND && quantileOf(same, 0.99) < 4.2 * HOUR);
});

Deno.test("simulate: figures are for a device, whatever their number", async () => {
  const [few, many] = await Promise.all([200, 800].map(async (users) => {
    const strategy = { name: "poll", poll: every(15 * MINUTE) };
    const scenario = { ...scenarioOf(strategy, { users }), assumptions: SIMPLE };
    return toFigures(await simulate(scenario, simulateAll));
  }));
  equal([few!.wakeUps, many!.wakeUps], [96, 96]);
  // A poll of fifteen minutes is 1.11 a second for 1,000 devices, and some more for what changed.
  for (const { requests } of [few!, many!]) {
    ok(requests.mean > 1.11 && requests.mean < 1.3 && requests.mean < requests.p95 && requests.p95 < requests.peak);
  }
  ok(Math.abs(few!.changes / many!.changes - 1) < 0.1);
});
