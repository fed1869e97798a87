/** One device: what wakes it, what it asks the DAV server, and when it sees each change. */
import { type Assumptions, type Load, SECOND } from "./assumptions.ts";
import { append, authorOf, createList, importanceOf, type List, MAX_TOPICS, timeOf, topicOf } from "./change.ts";
import { exceptOf, sentAt } from "./merging.ts";
import { isWithin, takenAt } from "./outage.ts";
import { exponential, type Random } from "./random.ts";
import type { Poll } from "./strategies.ts";
import { countSeen, type Tally } from "./tally.ts";

/** `waits` has the milliseconds that a request of each second waits for its answer. */
export type Counting = { tally: Tally; waits?: Uint32Array };

/** When pushes reached a device; of each topic from `next` on, which moves, to `end`. */
export type Heard = { at: List; next: Int32Array; end: Int32Array };

export function createHeard(): Heard {
  return { at: createList(), next: new Int32Array(MAX_TOPICS), end: new Int32Array(MAX_TOPICS) };
}

export function hearNothing({ at, next, end }: Heard): void {
  at.length = 0;
  next.fill(0);
  end.fill(0);
}

/**
 * The pushes of one topic; each that arrives wakes the device, which asks for what changed there. `retrying` has luck of
 * its own, so that an outage does not change that of others.
 */
export function hear(
  heard: Heard,
  device: number,
  { topic, sends }: { topic: number; sends: List },
  { outage, loss, latency: mean }: Load & Assumptions,
  { tally }: Counting,
  { random, retrying }: { random: Random; retrying: Random },
): void {
  let last = 0, waiting = 0;
  heard.next[topic] = heard.at.length;
  for (let i = 0; i < sends.length; i++) {
    const send = sends.values[i]!;
    if (exceptOf(send) === device) continue;
    // Both are drawn in any case, so that one push more does not change the luck of all that follow.
    const at = sentAt(send), isLost = random() < loss, latency = exponential(random, mean);
    // It goes out with the one that waits to be tried again.
    if (at < waiting) continue;
    tally.notifications++;
    waiting = takenAt(at, outage, retrying);
    if (isLost || outage && isWithin(waiting, outage)) continue;
    // Pushes of one topic arrive in their order.
    last = Math.max(last, Math.round(waiting + latency));
    append(heard.at, last);
    tally.wakeUps++;
    countRequests(tally, last, 1);
  }
  heard.end[topic] = heard.at.length;
}

function countRequests({ requests }: Tally, at: number, count: number): void {
  const second = Math.floor(at / SECOND);
  if (second < requests.length) requests[second]! += count;
}

/** The next poll; `found` has a bit for each topic of which it will see a change. */
type Turn = { at: number; interval: number; found: number };

/** `changes` are those of all collections of the device, in order. A request shows everything that changed before it. */
export function simulateDevice(
  device: number,
  changes: List,
  heard: Heard,
  poll: Poll | undefined,
  counting: Counting,
  random: Random,
): void {
  const phase = random();
  const turn = { at: poll ? Math.floor(phase * poll.first) : Infinity, interval: poll?.first ?? 0, found: 0 };
  for (let i = 0; i < changes.length; i++) {
    const change = changes.values[i]!;
    if (authorOf(change) === device) continue;
    while (turn.at < timeOf(change)) takeTurn(turn, poll!, counting.tally);
    see(change, nextHeard(heard, change), turn, counting);
  }
  const end = counting.tally.requests.length * SECOND;
  while (turn.at < end && poll) takeTurn(turn, poll, counting.tally);
}

/** One request says which collections changed, and one for each of those what did. */
function takeTurn(turn: Turn, poll: Poll, tally: Tally): void {
  tally.wakeUps++;
  countRequests(tally, turn.at, 1 + countBits(turn.found));
  turn.interval = poll.next(turn.interval, turn.found !== 0);
  turn.at += turn.interval;
  turn.found = 0;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** When the first push of the change's topic arrives that was not before it. Changes are asked for in order. */
function nextHeard({ at, next, end }: Heard, change: number): number {
  const topic = topicOf(change), time = timeOf(change), last = end[topic]!;
  let place = next[topic]!;
  while (place < last && at.values[place]! < time) place++;
  next[topic] = place;
  return place < last ? at.values[place]! : Infinity;
}

function see(change: number, pushedAt: number, turn: Turn, { tally, waits }: Counting): void {
  const at = Math.min(pushedAt, turn.at);
  if (at === Infinity) {
    tally.unseen++;
    tally.late++;
    return;
  }
  if (turn.at < pushedAt) turn.found |= 1 << topicOf(change);
  const wait = waits?.[Math.min(waits.length - 1, Math.floor(at / SECOND))] ?? 0;
  countSeen(tally, importanceOf(change), at + wait - timeOf(change));
}
