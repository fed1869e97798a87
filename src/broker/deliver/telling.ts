/** What of one merged change each of many subscribers is told: they who ask for the same share one message. */
import type { Merged } from "../../model/merge.ts";
import type { Subscriber } from "../../model/subscription.ts";
import { tell } from "../../model/tell.ts";

/** The same message for all who ask alike, so that it is printed once. */
export function createTelling(merged: Merged): (subscriber: Subscriber) => Merged | undefined {
  const told = new Map<string, Merged | undefined>();
  const excepted = [...merged.content?.except ?? [], ...merged.property?.except ?? []];

  return (subscriber) => {
    const { triggers, owner, clientId, minPriority } = subscriber;
    const named = [owner, clientId].filter((name) => name !== undefined && excepted.includes(name));
    const key = JSON.stringify([triggers, named, merged.priority < minPriority]);
    if (!told.has(key)) told.set(key, tell(subscriber, merged));
    return told.get(key);
  };
}
