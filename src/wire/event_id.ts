/**
 * Event ids: `#epoch.versionstamp.index`. An id says where a reader is, in which database. Mercure, "Publication": what the
 * hub gives is an IRI or a fragment, and no publisher's own id begins as a fragment does.
 */
import type { Position } from "../model/position.ts";

/** Clients may hold ids that were given without the sign. */
const EVENT_ID = /^#?([A-Za-z0-9_-]{8})\.([0-9a-f]{20})\.(\d{1,5})$/;

export function printEventId(epoch: string, { versionstamp, index }: Position): string {
  return `#${epoch}.${versionstamp}.${index}`;
}

/** Undefined when the text is no id of ours. */
export function parseEventId(text: string): { epoch: string; position: Position } | undefined {
  const [, epoch, versionstamp, index] = EVENT_ID.exec(text) ?? [];
  if (epoch === undefined || versionstamp === undefined) return undefined;
  return { epoch, position: { versionstamp, index: Number(index) } };
}
