/** The shapes that windows, pages and retries share: what was merged, and for whom. */
import type { Depth } from "../model/change.ts";
import { type Delay, DELAYS } from "../model/delay.ts";
import type { Merged } from "../model/merge.ts";
import { instant, list, members, number, oneOf, optional, type Shape, text, texts } from "./shape.ts";
import type { Place } from "./subscribers.ts";

export const depth: Shape<Depth> = oneOf("0", "1", "infinity");
export const delay: Shape<Delay> = oneOf(...DELAYS);
export const place = members<Place>({ delay, id: text });

const part = { depths: list(depth), except: texts, timestamp: instant };

export const merged = members<Merged>({
  priority: number,
  timestamp: instant,
  data: optional(text),
  content: optional(members<NonNullable<Merged["content"]>>({ ...part, syncToken: optional(text) })),
  property: optional(members<NonNullable<Merged["property"]>>({ ...part, props: texts })),
});

/** What is sent to one delay class. */
export const classed = members<{ delay: Delay; merged: Merged }>({ delay, merged });
