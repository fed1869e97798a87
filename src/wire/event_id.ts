/** Event ids: `epoch.versionstamp.index`. An id says where a reader is, in which database. */

/** A place in the journal: after this event. Versionstamps are 20 hexadecimal digits and compare as text. */
export type Position = { versionstamp: string; index: number };

const EVENT_ID = /^([A-Za-z0-9_-]{8})\.([0-9a-f]{20})\.(\d{1,5})$/;

/** Before everything. */
export const EARLIEST: Position = { versionstamp: "0".repeat(20), index: 0 };

export function printEventId(epoch: string, { versionstamp, index }: Position): string {
  return `${epoch}.${versionstamp}.${index}`;
}

/** Undefined when the text is no id of ours. */
export function parseEventId(text: string): { epoch: string; position: Position } | undefined {
  const [, epoch, versionstamp, index] = EVENT_ID.exec(text) ?? [];
  if (epoch === undefined || versionstamp === undefined) return undefined;
  return { epoch, position: { versionstamp, index: Number(index) } };
}

/** Negative, zero or positive, as in `Array.sort`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.versionstamp !== b.versionstamp) return a.versionstamp < b.versionstamp ? -1 : 1;
  return a.index - b.index;
}
