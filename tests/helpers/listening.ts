/** A receiver that listens at a push service of the test, with time that the test moves. */
import type { Message, Receiver, ReceiverError, Urgency } from "../../src/client/receiver.ts";
import { createReceiver, type Exported, resumeReceiver } from "../../src/client/receiver.ts";
import type { openPushMailbox } from "./push_mailbox.ts";

type Mailbox = Awaited<ReturnType<typeof openPushMailbox>>;

/** Waits until `listening` aborts take no time, and are noted; those for an answer are over when the test says so. */
function manualPace(listening: AbortSignal, notify: () => void) {
  const waits: number[] = [], timers = new Set<{ milliseconds: number; resolve: () => void }>();
  let elapsed = 0;

  function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal === listening) return Promise.resolve(void waits.push(milliseconds));
    return new Promise((resolve) => {
      const timer = { milliseconds, resolve };
      timers.add(timer);
      notify();
      signal!.addEventListener("abort", () => timers.delete(timer), { once: true });
    });
  }

  return {
    waits,
    advance: (milliseconds: number) => void (elapsed += milliseconds),
    /** So long nothing came: whether anything waited for it. */
    late: (milliseconds: number) =>
      [...timers].filter((timer) => timer.milliseconds === milliseconds).map(fire).length > 0,
    pace: { elapsed: () => elapsed, wait, random: () => 1 },
  };
}

const fire = ({ resolve }: { resolve: () => void }) => resolve();

type Options = { urgency?: Urgency; take?: (message: Message) => Promise<void> | void; resume?: Exported };

/** Subscribes, or resumes, and listens; `stop` resolves as `listen` does. */
export async function openListening(mailbox: Mailbox, { urgency, take = () => {}, resume }: Options = {}) {
  const ending = new AbortController(), { signal } = ending, time = manualPace(signal, mailbox.notify);
  let opened = 0;
  const given = { pace: time.pace, fetch: watchedFetch };

  async function watchedFetch(url: string, init: RequestInit): Promise<Response> {
    const response = await fetch(url, init);
    if (response.headers.get("content-type") === "text/event-stream") opened++;
    mailbox.notify();
    return response;
  }

  const receiver: Receiver = resume
    ? await resumeReceiver(resume, given)
    : await createReceiver({ url: mailbox.url, token: "a-token", ...given });
  const heard: Message[] = [], faults: ReceiverError[] = [];
  const onMessage = async (message: Message) => {
    await take(message);
    heard.push(message);
    mailbox.notify();
  };
  const onFault = (fault: ReceiverError) => {
    faults.push(fault);
    mailbox.notify();
  };
  const ended = receiver.listen({ urgency, signal, onMessage, onFault });
  ended.catch(() => {});

  function stop(): Promise<void> {
    ending.abort();
    return ended;
  }

  return {
    ...time,
    receiver,
    keys: receiver.subscription.keys,
    heard,
    /** Streams of which the head has come: fetch itself sends a request again whose connection breaks before. */
    opened: () => opened,
    faults,
    ended,
    stop,
    abort: () => ending.abort(),
    texts: () => heard.map((message) => message.text()),
    [Symbol.asyncDispose]: () => stop().catch(() => {}),
  };
}
