/** Telling: what of a merged change one subscriber is to know. */
import type { Depth } from "./change.ts";
import type { Merged } from "./merge.ts";
import type { Subscriber, Triggers } from "./subscription.ts";

type Asking = Pick<Subscriber, "owner" | "triggers" | "clientId" | "minPriority">;

/** The part that the subscriber asked for and did not cause itself; undefined when there is none. */
export function tell({ owner, triggers, clientId, minPriority }: Asking, merged: Merged): Merged | undefined {
  if (merged.priority < minPriority) return undefined;
  const { content, property, ...rest } = merged;
  const told: Merged = rest;
  const mine = (except: string[]) => except.includes(owner) || clientId !== undefined && except.includes(clientId);
  if (content && !mine(content.except)) addContent(told, content, triggers);
  if (property && !mine(property.except)) addProperty(told, property, triggers);
  return told.content || told.property ? told : undefined;
}

function addContent(told: Merged, content: NonNullable<Merged["content"]>, triggers: Triggers): void {
  const depths = within(content.depths, asked(triggers, triggers.content)?.depth);
  if (depths.length > 0) told.content = { ...content, depths, except: [] };
}

function addProperty(told: Merged, property: NonNullable<Merged["property"]>, triggers: Triggers): void {
  const trigger = asked(triggers, triggers.property);
  const depths = within(property.depths, trigger?.depth);
  const wanted = trigger?.props ?? [];
  const unrelated = wanted.length > 0 && property.props.length > 0 && !property.props.some((p) => wanted.includes(p));
  if (depths.length > 0 && !unrelated) told.property = { ...property, depths, except: [] };
}

const EVERYTHING = { depth: "infinity" as const, props: [] };

/** Who names no trigger asks for everything. */
function asked<T>({ content, property }: Triggers, trigger: T | undefined): T | typeof EVERYTHING | undefined {
  return content || property ? trigger : EVERYTHING;
}

const ORDER: Record<Depth, number> = { 0: 0, 1: 1, infinity: 2 };

/** A change of members' members does not ring who asked for the members alone. */
function within(depths: Depth[], limit: Depth | undefined): Depth[] {
  return limit === undefined ? [] : depths.filter((depth) => ORDER[depth] <= ORDER[limit]);
}
