/** A place in the journal: after this event. Versionstamps are 20 hexadecimal digits and compare as text. */
export type Position = { versionstamp: string; index: number };

/** Before everything. */
export const EARLIEST: Position = { versionstamp: "0".repeat(20), index: 0 };

/** Negative, zero or positive, as in `Array.sort`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.versionstamp !== b.versionstamp) return a.versionstamp < b.versionstamp ? -1 : 1;
  return a.index - b.index;
}
