/** Sending one page, from its lease to its end. */
import { causeOf } from "../../errors.ts";
import type { Merged } from "../../model/merge.ts";
import type { Subscriber } from "../../model/subscription.ts";
import type { PageName, PageRecord } from "../../store/pages.ts";
import { type ReadRetry, type Retry, retryKey } from "../../store/retries.ts";
import { setAside } from "../../store/set_aside.ts";
import { type Place, type Range, subscriberKey } from "../../store/subscribers.ts";
import type { DeliverDeps } from "./deps.ts";
import { createFanOut, type FanOut } from "./fan_out.ts";
import { FENCE } from "./lease.ts";
import { deliver, endSubscription, postpone, toRetry } from "./outcome.ts";
import { createPageLease, type HeldPage, type PageLease } from "./page_lease.ts";
import { scanTopic } from "./scan.ts";
import { createTelling } from "./telling.ts";

/** Deliveries of one page that are under way at once: all pages together fill no origin alone. */
const SLOTS = 16;

/** Milliseconds between two commits of how far a page got. */
const RENEW = 1_000;

type Work = { deps: DeliverDeps; page: PageRecord; lease: PageLease; fanOut: FanOut; stopping: AbortSignal };

/** Sends a page to its end, or until it is another worker's. */
export async function sendPage(deps: DeliverDeps, held: HeldPage, stopping: AbortSignal): Promise<void> {
  const { page } = held, position = page.position ?? firstPlace(page, held.name);
  const fanOut = createFanOut({ slots: SLOTS, position, now: deps.clock.elapsed });
  const work = { deps, page, lease: createPageLease(deps, held, stopping), fanOut, stopping };
  const over = new AbortController();
  const renewing = renewInTime(work, over.signal);
  try {
    const done = await sendAll(work, position);
    const isComplete = await fanOut.settled();
    over.abort("done");
    await renewing;
    await work.lease.end(done && isComplete ? undefined : { ...page, position: fanOut.position(), holder: null });
  } catch (thrown) {
    over.abort("done");
    if (!work.lease.lost.aborted && !stopping.aborted) {
      deps.log.error("a page was not sent: {code}", causeOf(thrown));
    }
  }
}

/** Shows that we live, and how far the page got, however long a push service takes. */
async function renewInTime(work: Work, over: AbortSignal): Promise<void> {
  while (!over.aborted && !work.lease.lost.aborted) {
    await work.deps.clock.wait(RENEW, over);
    // Whoever sends finds the same fault.
    if (!over.aborted) await renew(work).catch(() => {});
  }
}

/** False when it was stopped before the end. */
async function sendAll(work: Work, start: Place): Promise<boolean> {
  const { deps, page, lease: { name, ask }, stopping } = work;
  const tellings = new Map(page.classes.map(({ delay, merged }) => [delay, createTelling(merged)]));
  for (const range of rangesOf(page, name, start)) {
    for await (const { placed, retries } of scanTopic(deps.kv, ask, name.hash, range)) {
      for (const { place, subscriber } of placed) {
        if (stopping.aborted) return false;
        const told = subscriber && tellings.get(place.delay)!(subscriber);
        if (!subscriber) setAside(deps, "subscriber", subscriberKey(name.hash, place));
        if (subscriber && told) await tellOne(work, place, subscriber, told, retries.get(place.id));
        else work.fanOut.pass(place);
      }
    }
  }
  return true;
}

async function tellOne(work: Work, place: Place, subscriber: Subscriber, told: Merged, read: ReadRetry | undefined) {
  const { deps, page, lease, fanOut } = work;
  const now = deps.clock.now();
  if (subscriber.expiresAt <= now) return fanOut.pass(place);
  if (read?.unknown) setAside(deps, "retry", retryKey({ hash: lease.name.hash, id: subscriber.id }));
  const retry = toRetry(page.topic, told, subscriber, now);
  if (!read?.retry && subscriber.confirmed) {
    return await fanOut.start(place, () => sendOne(work, subscriber, retry), () => {});
  }
  lease.handbacks.set(subscriber.id, read?.retry ? retry : postpone(retry, { tried: false }, deps));
  fanOut.pass(place);
}

async function sendOne(work: Work, subscriber: Subscriber, retry: Retry): Promise<void> {
  const { deps, lease } = work;
  while (lease.age() >= FENCE) await renew(work);
  lease.lost.throwIfAborted();
  let outcome = await deliver(deps, subscriber, retry, retry.attempt);
  if (outcome.kind === "gone" && !await endSubscription(deps, subscriber.id)) outcome = { kind: "retry", tried: true };
  if (outcome.kind === "retry") lease.handbacks.set(subscriber.id, postpone(retry, outcome, deps));
}

function renew({ lease, page, fanOut }: Work): Promise<void> {
  return lease.renew(() => ({ ...page, position: fanOut.position() }));
}

function firstPlace({ after }: PageRecord, { prefix }: PageName): Place {
  return { delay: after.delay, id: after.id > prefix ? after.id : prefix };
}

/** What a page covers of each delay class: the ids with its prefix, as far as they were not sent to before. */
function rangesOf({ classes, after }: PageRecord, { prefix }: PageName, start: Place): Range[] {
  const before = `${prefix}~`;
  const rest = classes.map(({ delay }) => delay).filter((delay) => delay >= Math.max(after.delay, start.delay));
  const ranges = rest.map((delay) => ({
    after: delay === start.delay ? start : { delay, id: prefix },
    through: delay,
    before,
  }));
  return ranges.filter(({ after }) => after.id < before);
}
