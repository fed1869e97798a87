/** What the broker sends of one collection's changes: by its own windows, its own merging and its own telling. */
import { addChange, beginSending, createWindow, endSending, opensAt } from "../../src/broker/deliver/window.ts";
import { classOf } from "../../src/model/delay.ts";
import { type Merged, toMerged } from "../../src/model/merge.ts";
import { tell } from "../../src/model/tell.ts";
import { IMPORTANCE, MINUTE } from "./assumptions.ts";
import { append, authorOf, importanceOf, type List, MAX_AUTHORS, OUTSIDE, timeOf } from "./change.ts";
import type { Push } from "./strategies.ts";

/** Milliseconds after which a window remembers nothing: its longest delay. What comes later is a first change again. */
const APART = 1 * MINUTE;

/** Fills `sends` with when the subscribers are told, and who is not: a change of its own. All are of one delay class. */
export function mergeChanges(sends: List, { values, length }: List, push: Push): void {
  sends.length = 0;
  for (let from = 0, to = 1; from < length; from = to++) {
    while (to < length && timeOf(values[to]!) - timeOf(values[to - 1]!) <= 2 * APART) to++;
    if (to - from > 1) mergeByWindow(sends, values.subarray(from, to), push);
    else sendAlone(sends, values[from]!, push);
  }
}

/** A change that no other is near goes at once, by itself: nothing that a window could merge. */
function sendAlone(sends: List, change: number, { minPriority }: Push): void {
  if (priorityOf(change) >= minPriority) append(sends, packSend(timeOf(change), authorOf(change)));
}

/** Changes of which the first finds an empty window, and the last leaves one. */
export function mergeByWindow(sends: List, changes: Float64Array, push: Push): void {
  const window = createWindow("", ""), subscribed = new Set([classOf(push.maxDelay)]);
  for (const change of changes) {
    const now = timeOf(change);
    sendDue(now);
    addChange(window, toMerged(toChange(change)), now, 0);
    sendDue(now);
  }
  sendDue(Number.MAX_VALUE);

  function sendDue(until: number): void {
    for (let at = opensAt(window); at <= until; at = opensAt(window)) {
      beginSending(window, at);
      const due = window.sending!.classes.find(({ delay }) => subscribed.has(delay));
      if (due) tellAll(sends, at, due.merged, push);
      endSending(window, subscribed);
    }
  }
}

/** A message that a stranger would get goes to everyone but those who are excepted. */
function tellAll(sends: List, at: number, merged: Merged, { minPriority }: Push): void {
  if (!tell({ owner: "", triggers: {}, minPriority }, merged)) return;
  append(sends, packSend(at, Number(merged.content!.except[0] ?? OUTSIDE)));
}

function toChange(change: number) {
  const author = authorOf(change), except = author === OUTSIDE ? [] : [`${author}`];
  const content = { depth: "1" as const, except };
  return { topics: [""], private: true, priority: priorityOf(change), timestamp: timeOf(change), content };
}

const priorityOf = (change: number) => IMPORTANCE[importanceOf(change)]!.priority;

const packSend = (at: number, except: number) => at * MAX_AUTHORS + except;

export const sentAt = (send: number) => Math.floor(send / MAX_AUTHORS);
export const exceptOf = (send: number) => (send - sentAt(send) * MAX_AUTHORS) | 0;
