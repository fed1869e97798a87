/** A place in the journal: after this event. Versionstamps are 20 hexadecimal digits and compare as text. */
export type Position = { versionstamp: string; index: number };

/** Before everything. */
export const EARLIEST: Position = { versionstamp: "0".repeat(20), index: 0 };

/** Negative, zero or positive, as in `Array.sort`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.versionstamp !== b.versionstamp) return a.versionstamp < b.versionstamp ? -1 : 1;
  return a.index - b.index;
}

/** The versionstamp just before this one, which may be none that was ever given. */
export function before(versionstamp: string): string {
  const number = BigInt(`0x${versionstamp}`);
  return (number === 0n ? number : number - 1n).toString(16).padStart(20, "0");
}
