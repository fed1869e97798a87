/** The registrations of one push subscription: made, renewed in time, and after faults less and less often. */
import type { SubscriptionJson } from "../receiver.ts";
import { ReceiverError } from "../receiver_error.ts";
import type { DavEffects } from "./dav.ts";
import type { Resource } from "./look.ts";
import { afterFault } from "./paces.ts";
import { register, type Registration, unregister } from "./register.ts";

type Deps = {
  effects: DavEffects;
  subscription: SubscriptionJson;
  clientId: string;
  now: () => number;
  report: (fault: ReceiverError) => void;
};

/** `renewAfter` is in milliseconds since it was made, jittered: of many clients not all renew at once. */
type Made = Registration & { topic: string; renewAfter: number };

export type Registrations = ReturnType<typeof createRegistrations>;

export function createRegistrations({ effects, subscription, clientId, now, report }: Deps) {
  const { pace, signal } = effects, all = new Map<string, Made>();
  let misses = 0, tryAt = -Infinity;

  /** Registers what is not, renews what soon ends. Answers whether something was registered that was not before. */
  async function complete(wanted: Resource[], over: AbortSignal): Promise<boolean> {
    const before = new Set(all.keys()), due = wanted.filter(isDue);
    const isHeld = pace.elapsed() < tryAt, faults: ReceiverError[] = [];
    for (const resource of isHeld ? [] : due) {
      if (!over.aborted && !signal.aborted) faults.push(...await tryOne(resource));
    }
    if (!isHeld) settle(faults);
    for (const { url } of due) if (isOver(all.get(url))) all.delete(url);
    return [...all.keys()].some((url) => !before.has(url));
  }

  /** Answers what went wrong. */
  async function tryOne({ url, push }: Resource): Promise<ReceiverError[]> {
    try {
      const made = await register(effects, { url, push: push!, subscription, clientId, now });
      const renewAfter = made.lasts * (7 + 2 * pace.random()) / 12;
      all.set(url, { ...made, topic: push!.topic, renewAfter });
      return [];
    } catch (thrown) {
      // It was deleted since: the next look tells.
      const isOurs = thrown instanceof ReceiverError && thrown.code !== "gone" && !signal.aborted;
      return isOurs ? [thrown] : [];
    }
  }

  function settle(faults: ReceiverError[]): void {
    faults.forEach(report);
    misses = faults.length > 0 ? misses + 1 : 0;
    const asked = Math.max(0, ...faults.map(({ retryAfter }) => retryAfter ?? 0));
    tryAt = misses === 0 ? -Infinity : pace.elapsed() + afterFault(misses, asked, pace.random);
  }

  /** A topic that differs is that of a collection that was made anew. */
  function isDue({ url, push }: Resource): boolean {
    const made = all.get(url);
    return !made || made.topic !== push!.topic || restOf(made) <= 0;
  }

  /** Milliseconds until it is renewed. A clock that was set back says nothing about it. */
  function restOf({ madeAt, renewAfter }: Made): number {
    return now() < madeAt ? 0 : madeAt + renewAfter - now();
  }

  const isOver = (made?: Made) => made !== undefined && now() >= made.madeAt + made.lasts;

  return {
    complete,
    has: (url: string) => all.has(url),
    /** Forgets what is not among these. */
    keep(urls: Set<string>): void {
      for (const url of all.keys()) if (!urls.has(url)) all.delete(url);
    },
    /** Milliseconds until the first is to be renewed. */
    renewsIn: () => Math.max(tryAt - pace.elapsed(), Math.min(Infinity, ...[...all.values()].map(restOf))),
    /** Those that are told of what happens at an address, or all. */
    locations: (address?: string) =>
      [...all].filter(([url]) => address === undefined || isWithin(address, url)).map(([, { location }]) => location),
    /** Takes all back. */
    async end(): Promise<void> {
      const unaborted = { ...effects, signal: new AbortController().signal };
      await Promise.allSettled([...all.values()].map((each) => unregister(unaborted, each)));
    },
  };
}

/** With the last slash or without, and not in another whose name begins alike. */
const isWithin = (address: string, url: string) => `${address}/`.startsWith(url.replace(/\/?$/, "/"));
