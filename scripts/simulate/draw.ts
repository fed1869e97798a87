/** Draws the changes of one collection: sittings at random, more in busy hours, each with some changes in a row. */
import { type Assumptions, DAY, HOUR, IMPORTANCE } from "./assumptions.ts";
import { append, type List, OUTSIDE, pack, sort } from "./change.ts";
import { exponential, type Random } from "./random.ts";

/** `authors` are the first and the last device that may change it. */
export type Collection = { topic: number; sittings: number; authors: [number, number] };

/** Fills the list, in order of time. The first day is a Monday, and nothing is changed after so many. */
export function drawChanges(
  list: List,
  collection: Collection,
  assumptions: Assumptions,
  days: number,
  random: Random,
): void {
  list.length = 0;
  const busy = toBusyTime(assumptions), mean = DAY / collection.sittings, end = days * DAY;
  let at = exponential(random, mean);
  for (let time = busy(at); time < end; time = busy(at += exponential(random, mean))) {
    drawSitting(list, time, collection, assumptions, end, random);
  }
  sort(list);
}

function drawSitting(
  list: List,
  time: number,
  { topic, authors: [first, last] }: Collection,
  { sitting, pause, imports, outside }: Assumptions,
  end: number,
  random: Random,
): void {
  const author = random() < outside ? OUTSIDE : first + Math.floor(random() * (last - first + 1));
  const isImport = random() < imports.share;
  const importance = isImport ? LOW : drawImportance(random());
  const [more, apart] = isImport ? [imports.changes, imports.pause] : [sitting, pause];
  do {
    append(list, pack(Math.floor(time), topic, author, importance));
    time += exponential(random, apart);
  } while (time < end && random() < 1 - 1 / more);
}

/** Of an import, which nobody waits for one by one. */
const LOW = IMPORTANCE.length - 1;

function drawImportance(part: number): number {
  return part < IMPORTANCE[0].share ? 0 : part < IMPORTANCE[0].share + IMPORTANCE[1].share ? 1 : 2;
}

/** Hours from the first Monday to its Saturday, and to the next Monday. */
const [SATURDAY, WEEK] = [5 * 24, 7 * 24];

/**
 * From a time in which all hours are alike to that of the clock: the busier an hour, the more of the former falls into it.
 * It remembers how far it came, and is asked in order.
 */
function toBusyTime({ shape, weekend }: Assumptions): (at: number) => number {
  const total = shape.reduce((sum, weight) => sum + weight, 0);
  const lengthOf = (hour: number) => DAY * shape[hour % 24]! / total * (hour % WEEK < SATURDAY ? 1 : weekend);
  let hour = 0, begins = 0;
  return (at) => {
    // Where nothing is ever changed.
    if (at === Infinity) return at;
    while (at >= begins + lengthOf(hour)) begins += lengthOf(hour++);
    return hour * HOUR + HOUR * (at - begins) / lengthOf(hour);
  };
}
