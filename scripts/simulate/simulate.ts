/** One scenario: first what is asked of the DAV server, then, where a queue forms, what its wait makes of it. */
import { capacityOf, countDevices, SECOND } from "./assumptions.ts";
import type { Scenario } from "./group.ts";
import { waitsOf } from "./queue.ts";
import type { Tally } from "./tally.ts";

/** `longestWait` is how long a request waited at the worst, milliseconds. */
export type Outcome = { scenario: Scenario; tally: Tally; longestWait: number };

export async function simulate(
  scenario: Scenario,
  simulateAll: (scenario: Scenario, waits?: Uint32Array) => Promise<Tally> | Tally,
): Promise<Outcome> {
  const tally = await simulateAll(scenario);
  const waits = waitsOf(tally.requests, capacityOf(countDevices(scenario.size.users)));
  const longestWait = waits.reduce((longest, wait) => Math.max(longest, wait), 0);
  // Requests that meet within a second are no queue.
  if (longestWait < SECOND) return { scenario, tally, longestWait };
  return { scenario, tally: await simulateAll(scenario, waits), longestWait };
}
