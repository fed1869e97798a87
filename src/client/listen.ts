/** Listening: connects again by itself; each message is given out once, in order, and acknowledged when it was taken. */
import type { StreamItem } from "./event_stream.ts";
import type { ReceiverKeys } from "./keys.ts";
import { type Envelope, type Message, openEnvelope, readEnvelope, type Urgency } from "./message.ts";
import { openStream } from "./open_stream.ts";
import { backOff, LONGEST } from "./pace.ts";
import { ReceiverError } from "./receiver_error.ts";
import { discard, type Effects, request } from "./request.ts";

/** Addresses of messages that are remembered as taken: more than a push service keeps for a subscription. */
const REMEMBERED = 1_000;

export type Listener = {
  /** The least that is wanted: all where it is left out. */
  urgency?: Urgency;
  /** Ends it. */
  signal: AbortSignal;
  /** A message is acknowledged when this has resolved; when it throws the message comes again, before any other. */
  onMessage: (message: Message) => Promise<void> | void;
  /** Told of each connection, when it is open. */
  onOpen?: () => void;
  /** Told of what went wrong and was got over. */
  onFault?: (fault: ReceiverError) => void;
};

/**
 * What outlives a connection. `last` is the newest event that was taken: to name it when connecting acknowledges all before
 * it that were wanted, so it must not be named by who wants more than it did (RFC 8030 5.3).
 */
export type Place = { last?: { id: string; urgency: Urgency }; taken: Set<string>; retry?: number };

type Deps = Effects & { keys: ReceiverKeys; subscription: string; place: Place };

/** Resolves when the signal aborts. Throws `gone` or `refused`, and whatever `onFault` throws. */
export async function listen(deps: Deps, listener: Listener): Promise<void> {
  const { pace, place } = deps, { signal, onFault = () => {} } = listener;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const since = pace.elapsed(), fault = await listenOnce(deps, listener, () => attempt = 0);
    if (signal.aborted) return;
    if (fault) {
      settle(fault, place);
      onFault(fault);
    }
    // What has been open for long was a good connection, though it brought nothing.
    if (pace.elapsed() - since > LONGEST) attempt = 0;
    const asked = Math.max(place.retry ?? 0, fault?.retryAfter ?? 0);
    await pace.wait(backOff(attempt, asked, pace.random), signal);
  }
}

/** Throws what does not change by trying again. */
function settle(fault: ReceiverError, place: Place): void {
  if (fault.code === "gone") throw fault;
  if (fault.code !== "refused") return;
  // A push service that was set up anew does not know the place (400), but may know the subscription.
  if (fault.status !== 400 || !place.last) throw fault;
  place.last = undefined;
}

/** One connection. Answers what ended it, nothing where the push service did so in good order. */
async function listenOnce(deps: Deps, listener: Listener, progress: () => void): Promise<ReceiverError | undefined> {
  const { place, subscription } = deps, { urgency = "very-low", signal } = listener;
  const lastEventId = place.last?.urgency === urgency ? place.last.id : undefined;
  try {
    for await (const item of openStream(deps, { subscription, urgency, lastEventId, signal })) {
      if (item.kind === "open") listener.onOpen?.();
      else if (item.kind === "retry") place.retry = item.milliseconds;
      else if (item.type === "message") await take(deps, listener, item);
      // A connection that brings nothing, or no more than how soon to come back, is no progress.
      if (item.kind === "event") progress();
      if (signal.aborted) return undefined;
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ReceiverError) return thrown;
    throw thrown;
  }
}

/** Gives one message out and acknowledges it. Throws `callback_failed`. */
async function take(deps: Deps, listener: Listener, event: Extract<StreamItem, { kind: "event" }>): Promise<void> {
  const { place, subscription } = deps, { urgency = "very-low" } = listener;
  const envelope = orReport(() => readEnvelope(event, new URL(subscription).origin), listener);
  if (envelope && !place.taken.has(envelope.address)) await giveOut(deps, listener, envelope);
  if (event.id !== "") place.last = { id: event.id, urgency };
  if (envelope) await acknowledge(deps, envelope.address);
}

async function giveOut({ keys, place }: Deps, listener: Listener, envelope: Envelope): Promise<void> {
  const message = await openEnvelope(envelope, keys).catch((thrown) => report(thrown, listener));
  if (message) await call(listener, message);
  place.taken.add(envelope.address);
  if (place.taken.size > REMEMBERED) place.taken.delete(place.taken.values().next().value!);
}

async function call({ onMessage }: Listener, message: Message): Promise<void> {
  try {
    await onMessage(message);
  } catch (cause) {
    throw new ReceiverError("callback_failed", "a message was not taken: onMessage threw", { id: message.id, cause });
  }
}

/** What fails is acknowledged by the place that the next connection names. */
async function acknowledge(deps: Deps, address: string): Promise<void> {
  const answer = await request(deps, address, { method: "DELETE" }, [204, 404, 410]).catch(() => undefined);
  if (answer) await discard(answer);
}

function orReport<T>(run: () => T, listener: Listener): T | undefined {
  try {
    return run();
  } catch (thrown) {
    return report(thrown, listener);
  }
}

/** Tells of a message that will never be readable. */
function report(thrown: unknown, { onFault }: Listener): undefined {
  if (!(thrown instanceof ReceiverError)) throw thrown;
  onFault?.(thrown);
}
