/** What went wrong lately, for whoever looks after this worker: bounded, and without anything that is secret. */
import type { CarillonError, ErrorCode, ErrorMeaning } from "../errors.ts";
import type { Outcome, Send, Senders } from "../model/delivery.ts";
import { forgetOldest } from "../model/forget_oldest.ts";
import { serviceOf, type Transport } from "../model/subscription.ts";

/** Push services and webhooks that are remembered: strangers choose them, so the one that failed longest ago goes. */
const MAX_FAILURES = 30;

/** Characters of a detail: it may name what was sent. */
const MAX_DETAIL = 300;

/** How often, and when last: milliseconds since 1970. */
type Seen = { count: number; at: number };

/** Requests that were refused with one code; `detail` and `path` are those of the last one, as they are logged. */
export type Refusal = Seen & { code: ErrorCode; meaning: ErrorMeaning; detail: string; path: string | undefined };

/** Messages that one service did not take; `reason` is that of the last one. */
export type Failure = Seen & { transport: Transport; service: string; outcome: Failed["kind"]; reason?: string };

type Failed = Exclude<Outcome, { kind: "delivered" }>;

export type Trouble = ReturnType<typeof createTrouble>;

export function createTrouble({ now }: { now: () => number }) {
  const refusals = new Map<ErrorCode, Refusal>(), failures = new Map<string, Failure>();

  /** There is one for each code: whoever makes many of one cannot hide the others. */
  function refused({ code, meaning, message }: CarillonError, path: string | undefined): void {
    const count = (refusals.get(code)?.count ?? 0) + 1;
    refusals.set(code, { code, meaning, detail: message.slice(0, MAX_DETAIL), path, count, at: now() });
  }

  function failed(transport: Transport, address: string, { kind: outcome, reason }: Failed): void {
    const service = serviceOf(address), name = `${transport} ${outcome} ${service}`;
    const count = (failures.get(name)?.count ?? 0) + 1;
    failures.delete(name);
    failures.set(name, { transport, service, outcome, reason, count, at: now() });
    forgetOldest(failures, MAX_FAILURES);
  }

  /** Senders that say here what they could not deliver. */
  function watch(senders: Senders): Senders {
    const watched = Object.entries(senders).map(([name, send]) => [name, watchSend(send)]);
    return Object.fromEntries(watched) as Senders;
  }

  function watchSend(send: Send): Send {
    return async (delivery) => {
      const outcome = await send(delivery), { transport, address } = delivery.subscriber;
      if (isFailure(outcome)) failed(transport, address, outcome);
      return outcome;
    };
  }

  return { refused, watch, refusals: () => newestFirst(refusals), failures: () => newestFirst(failures) };
}

/** What was not tried has not failed: its service rests, or has no room. */
function isFailure(outcome: Outcome): outcome is Failed {
  return outcome.kind !== "delivered" && !(outcome.kind === "retry" && !outcome.tried);
}

function newestFirst<T extends Seen>(seen: Map<unknown, T>): T[] {
  return [...seen.values()].sort((a, b) => b.at - a.at);
}
