/**
 * A change as one number, so that millions are sorted by time without an object each: milliseconds, collection, the device
 * that made it, importance, from the highest digits to the lowest.
 */

/** Collections, and devices with one for "outside", of a group at most. */
export const MAX_TOPICS = 16;
export const MAX_AUTHORS = 16;
const IMPORTANCES = 4;

/** The author of what comes from outside. */
export const OUTSIDE = 0;

const TIME = MAX_TOPICS * MAX_AUTHORS * IMPORTANCES;

export function pack(time: number, topic: number, author: number, importance: number): number {
  return time * TIME + (topic * MAX_AUTHORS + author) * IMPORTANCES + importance;
}

export const timeOf = (change: number) => Math.floor(change / TIME);

/** What stands below the time: small enough for the bits of an integer, whose remainders cost next to nothing. */
const codeOf = (change: number) => (change - timeOf(change) * TIME) | 0;

export const topicOf = (change: number) => Math.floor(codeOf(change) / (MAX_AUTHORS * IMPORTANCES));
export const authorOf = (change: number) => Math.floor(codeOf(change) / IMPORTANCES) % MAX_AUTHORS;
export const importanceOf = (change: number) => codeOf(change) % IMPORTANCES;

/** Numbers in a row whose room grows and is used again. */
export type List = { values: Float64Array; length: number };

export const createList = (): List => ({ values: new Float64Array(1024), length: 0 });

export function append(list: List, value: number): void {
  if (list.length === list.values.length) grow(list, list.length + 1);
  list.values[list.length++] = value;
}

/** All of another list. */
export function appendAll(list: List, { values, length }: List): void {
  grow(list, list.length + length);
  list.values.set(values.subarray(0, length), list.length);
  list.length += length;
}

function grow(list: List, length: number): void {
  if (length <= list.values.length) return;
  const { values } = list;
  list.values = new Float64Array(2 * length);
  list.values.set(values);
}

export function sort({ values, length }: List): void {
  values.subarray(0, length).sort();
}
