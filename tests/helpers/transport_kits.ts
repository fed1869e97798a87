/** Each transport with someone at its other end, for the contract that all of them keep (`contract_test.ts`). */
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../src/clock.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import type { Handed, Transport } from "../../src/model/transport.ts";
import { createEnvelope } from "../../src/store/seal.ts";
import { createEgress } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { createWebhook } from "../../src/transports/webhook.ts";
import { makeSecret, openWebhookReceiver } from "../fakes/webhook.ts";
import { certificates } from "./certificates.ts";
import { openPushService } from "./push_service.ts";
import { freshVapidKey } from "./vapid_keys.ts";
import { openWebPush } from "./web_push.ts";

/** What the other end can be told to answer, once or always. */
export type Answer = { status: number; headers?: Record<string, string>; body?: string } | "never";

export type Kit = {
  transport: Transport;
  /** A new client, as it hands itself over. */
  subscribe: () => Handed;
  /** Answers the next message so. */
  answer: (answer: Answer) => void;
  /** What means that a message is never taken, and at which attempt that is said. */
  rejection: { answer: Answer; attempt: number };
  /** What means that the client is no more. */
  gone: Answer;
  /** What means that we are too fast, with a wait of two minutes. */
  tooFast: Answer;
  /** The requests that came, whatever was answered. */
  requests: () => number;
  /** Replaces the keys of a client, or ours, so that what was handed over before is still good. */
  rotate: (handed: Handed) => Promise<Handed>;
  /** What no client of it can be. */
  hostile: Handed[];
  [Symbol.asyncDispose]: () => Promise<void>;
};

const tooFast = { status: 429, headers: { "retry-after": "120" } };

async function webPushKit(clock: Clock): Promise<Kit> {
  const service = await openPushService({ now: clock.now });
  const push = await openWebPush({ clock, trusted: [`127.0.0.1:${service.port}`], keys: [await freshVapidKey()] });
  const subscribe = () => {
    const { address: endpoint, keys } = service.subscribe();
    return { endpoint, keys };
  };
  return {
    transport: { ...push, send: push.deliver },
    subscribe,
    answer: (answer) => service.behave(answer, { times: 1 }),
    rejection: { answer: { status: 400 }, attempt: 0 },
    gone: { status: 410 },
    tooFast,
    requests: () => service.requests.length,
    rotate: () => Promise.resolve(subscribe()),
    hostile: [{ endpoint: "https://10.0.0.1/a", keys: service.subscribe().keys }, {
      endpoint: "https://push.example/a",
    }],
    async [Symbol.asyncDispose]() {
      await push[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

async function webhookKit(clock: Clock): Promise<Kit> {
  const receiver = await openWebhookReceiver({ now: clock.now });
  const trust = createTrust([parsePushHost(`127.0.0.1:${receiver.port}`)]);
  const egress = createEgress({ trust, clock, ca: certificates.ca });
  const shared = { egress, clock, random: () => 0, log: getLogger("carillon"), ...createEnvelope(undefined) };
  return {
    transport: createWebhook({ ...shared, ownOrigins: ["https://carillon.example"] }),
    subscribe: receiver.subscribe,
    answer: receiver.reply,
    rejection: { answer: { status: 400 }, attempt: 9 },
    gone: { status: 410 },
    tooFast,
    requests: () => receiver.taken.length,
    rotate({ endpoint, keys }) {
      const secret = makeSecret();
      receiver.secrets.add(secret);
      return Promise.resolve({ endpoint, keys: { secret, previous: keys!.secret! } });
    },
    hostile: [
      { endpoint: "https://10.0.0.1/a", keys: { secret: makeSecret() } },
      { endpoint: "https://carillon.example/-/events", keys: { secret: makeSecret() } },
      { endpoint: "https://hooks.example/a" },
    ],
    async [Symbol.asyncDispose]() {
      await egress.close();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

export const KITS: Record<string, (clock: Clock) => Promise<Kit>> = { "web-push": webPushKit, webhook: webhookKit };
