/** What is too large to be kept whole: nothing is lost that a client has to know. */
import type { Merged } from "../model/merge.ts";

/** Leaves out what is only nice to know: without it several together fit a KV value. */
export function lighten<T extends { merged: Merged }>(slot: T): T {
  return { ...slot, merged: withoutBulk(slot.merged) };
}

function withoutBulk({ data: _, property, ...rest }: Merged): Merged {
  return property ? { ...rest, property: { ...property, props: [] } } : rest;
}
