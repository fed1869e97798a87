/** Some of the groups, one after the other. */
import { createRoom, type Scenario, simulateGroup } from "./group.ts";
import { createTally, type Tally } from "./tally.ts";

/** Groups from one to before another. */
export type Part = { from: number; to: number };

export function simulatePart(scenario: Scenario, { from, to }: Part, waits?: Uint32Array): Tally {
  const tally = createTally(scenario.size.days), room = createRoom();
  for (let group = from; group < to; group++) simulateGroup(group, scenario, room, { tally, waits });
  return tally;
}
