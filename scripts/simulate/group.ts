/** One group of users: what they change, what the broker makes of it, and what each of their devices sees. */
import { type Assumptions, devicesOf, GROUP, type Load, OWN, SHARED, type Size } from "./assumptions.ts";
import { appendAll, authorOf, createList, type List, OUTSIDE, sort } from "./change.ts";
import { type Counting, createHeard, hear, hearNothing, simulateDevice } from "./device.ts";
import { drawChanges } from "./draw.ts";
import { mergeChanges } from "./merging.ts";
import { createRandom } from "./random.ts";
import type { Strategy } from "./strategies.ts";

export type Scenario = { size: Size; assumptions: Assumptions; load: Load; strategy: Strategy };

/** Devices are numbered from 1: before it stands what comes from outside. */
type User = { topics: number[]; devices: number[] };

type Topic = { topic: number; changes: List; sends: List };

/** Room that one group after the other uses. */
export type Room = ReturnType<typeof createRoom>;

export function createRoom() {
  const topics = Array.from({ length: GROUP * OWN + SHARED }, (_, topic): Topic => {
    return { topic, changes: createList(), sends: createList() };
  });
  return { topics, visible: createList(), heard: createHeard() };
}

export const countGroups = (users: number) => Math.ceil(users / GROUP);

export function simulateGroup(group: number, scenario: Scenario, room: Room, counting: Counting): void {
  const users = usersOf(Math.min(GROUP, scenario.size.users - group * GROUP));
  const seeds = [scenario.size.seed, group];
  users.forEach(({ devices, topics }) => {
    for (const topic of topics.slice(0, OWN)) changeTopic(room.topics[topic]!, devices, scenario, counting, seeds);
  });
  const everyone = users.flatMap(({ devices }) => devices);
  for (const topic of room.topics.slice(GROUP * OWN)) changeTopic(topic, everyone, scenario, counting, seeds);
  for (const user of users) simulateUser(user, scenario, room, counting, seeds);
}

function usersOf(count: number): User[] {
  let device = 0;
  return Array.from({ length: count }, (_, user) => ({
    topics: [...range(user * OWN, OWN), ...range(GROUP * OWN, SHARED)],
    devices: Array.from({ length: devicesOf(user) }, () => ++device),
  }));
}

const range = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);

/** The same seeds give the same changes, whatever the strategy. */
function changeTopic(
  { topic, changes, sends }: Topic,
  devices: number[],
  { size: { days }, assumptions, load, strategy }: Scenario,
  { tally }: Counting,
  seeds: number[],
): void {
  const sittings = load.changes * (topic < GROUP * OWN ? assumptions.ownSittings : assumptions.sharedSittings);
  const collection = { topic, sittings, authors: [devices[0]!, devices.at(-1)!] as [number, number] };
  drawChanges(changes, collection, assumptions, days, createRandom(...seeds, topic));
  if (strategy.push) mergeChanges(sends, changes, strategy.push);
  tally.changes += changes.length;
  // Everyone but whoever made it.
  tally.due += changes.length * devices.length - countInside(changes);
}

function countInside({ values, length }: List): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (authorOf(values[i]!) !== OUTSIDE) count++;
  return count;
}

function simulateUser(
  { topics, devices }: User,
  { assumptions, load, strategy }: Scenario,
  { topics: all, visible, heard }: Room,
  counting: Counting,
  seeds: number[],
): void {
  visible.length = 0;
  for (const topic of topics) appendAll(visible, all[topic]!.changes);
  sort(visible);
  for (const device of devices) {
    const random = createRandom(...seeds, all.length, device),
      retrying = createRandom(...seeds, all.length + 1, device);
    hearNothing(heard);
    if (strategy.push) {
      for (const topic of topics) {
        hear(heard, device, all[topic]!, { ...assumptions, ...load }, counting, { random, retrying });
      }
    }
    simulateDevice(device, visible, heard, strategy.poll, counting, random);
  }
}
