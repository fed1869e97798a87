/** A worker that is a push service behind TLS, and receivers there: for who sends as to any push service. */
import { Agent } from "node:https";
import { createReceiver, type Exported, type Listener, resumeReceiver } from "../../src/client/receiver.ts";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { certificates } from "./certificates.ts";
import { tellPort } from "./keep_port.ts";
import { openTlsFront } from "./tls_front.ts";
import { accessToken, testWorker } from "./worker.ts";

export type Rig = Awaited<ReturnType<typeof openRig>>;

/** `await using` stops all of it. The worker's own transport may push to itself. */
export async function openRig() {
  const things = new AsyncDisposableStack(), front = things.use(await openTlsFront());
  const env = { CARILLON_URL: front.url, CARILLON_PUSH_HOSTS: front.host };
  const worker = things.use(await testWorker({ env, ca: certificates.ca, serve: tellPort(front.to) }));
  const client = things.use(Deno.createHttpClient({ caCerts: [certificates.ca] }));
  const agent = new Agent({ ca: certificates.ca });
  things.defer(() => agent.destroy());
  const given = { fetch: (url: string, init: RequestInit) => fetch(url, { ...init, client }) };

  /** A new receiver, restricted to a key or not. */
  async function subscribe(vapid?: string) {
    return await createReceiver({ url: front.url, token: await accessToken(worker, {}), vapid, ...given });
  }

  return {
    worker,
    front,
    /** For `fetch` and for `node:https`: both trust the front. */
    fetch: given.fetch,
    agent,
    subscribe,
    resume: (kept: Exported) => resumeReceiver(kept, given),
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

/** Listens until it is disposed of; what `take` throws is a message that is not taken. */
export function hear(receiver: { listen: (listener: Listener) => Promise<void> }, urgency?: Listener["urgency"]) {
  const ending = new AbortController(), texts: string[] = [], faults: string[] = [];
  const waiting = createWaiting(() => JSON.stringify({ texts, faults }));
  const ended = receiver.listen({
    urgency,
    signal: ending.signal,
    onMessage: (message) => {
      texts.push(message.text());
      waiting.notify();
    },
    onFault: ({ code }) => void faults.push(code),
  });
  return {
    texts,
    faults,
    until: waiting.until,
    ended,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}
