/** Each transport with someone at its other end, for the contract that all of them keep (`contract_test.ts`). */
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../src/clock.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import type { Handed, Transport } from "../../src/model/transport.ts";
import { createEnvelope } from "../../src/store/seal.ts";
import { createEgress } from "../../src/transports/egress.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { createWebhook } from "../../src/transports/webhook.ts";
import { errorBody } from "../fakes/fcm.ts";
import { toBehaviour } from "../fakes/http2_server.ts";
import { makeSecret, openWebhookReceiver, type Reply } from "../fakes/webhook.ts";
import { certificates } from "./certificates.ts";
import { type Behaviour, openPushService } from "./push_service.ts";
import { freshDevice, freshRegistration } from "./vendor_accounts.ts";
import { freshVapidKey } from "./vapid_keys.ts";
import { withApns, withFcm } from "./vendors.ts";
import { openWebPush } from "./web_push.ts";

/** What the other end can be told to answer, once or always. */
export type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | "never";

export type Kit = {
  transport: Transport;
  /** A new client, as it hands itself over. */
  subscribe: () => Handed;
  /** Answers the next message so. */
  answer: (answer: Answer) => void;
  /** What means that a message is never taken, and at which attempt that is said. */
  rejection: { answer: Answer; attempt: number };
  /** What means that a message is too large. */
  tooLarge: Answer;
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
    answer: (answer) => service.behave(answer as Behaviour, { times: 1 }),
    rejection: { answer: { status: 400 }, attempt: 0 },
    tooLarge: { status: 413 },
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
    answer: (answer) => receiver.reply(answer as Reply),
    rejection: { answer: { status: 400 }, attempt: 9 },
    tooLarge: { status: 413 },
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

/** Of a vendor's table: the reason stands in the body. */
async function apnsKit(clock: Clock): Promise<Kit> {
  const apns = await withApns({ clock }), reason = (reason: string) => ({ reason });
  const subscribe = () => ({ endpoint: freshDevice() });
  return {
    transport: apns.push,
    subscribe,
    answer: (answer) => apns.fake.behave(answer === "never" ? answer : toBehaviour(answer), { times: 1 }),
    rejection: { answer: { status: 400, body: reason("BadMessageId") }, attempt: 0 },
    tooLarge: { status: 413, body: reason("PayloadTooLarge") },
    gone: { status: 410, body: reason("Unregistered") },
    tooFast: { ...tooFast, body: reason("TooManyRequests") },
    requests: () => apns.fake.requests.length,
    rotate: () => Promise.resolve(subscribe()),
    hostile: [{ endpoint: "../../3/device/a" }, { endpoint: "https://10.0.0.1/a" }, {
      endpoint: `${freshDevice()}/..`,
    }],
    [Symbol.asyncDispose]: apns[Symbol.asyncDispose],
  };
}

async function fcmKit(clock: Clock): Promise<Kit> {
  const fcm = await withFcm({ clock }), subscribe = () => ({ endpoint: freshRegistration() });
  const invalid = { status: 400, body: errorBody(400, "INVALID_ARGUMENT") };
  return {
    transport: fcm.push,
    subscribe,
    answer: (answer) => fcm.fake.behave(answer === "never" ? answer : toBehaviour(answer), { times: 1, under: "/v1/" }),
    rejection: { answer: { status: 422 }, attempt: 0 },
    // No answer says that a message is too large: it is an argument as any other.
    tooLarge: invalid,
    gone: { status: 404, body: errorBody(404, "NOT_FOUND", { errorCode: "UNREGISTERED" }) },
    tooFast: { ...tooFast, body: errorBody(429, "RESOURCE_EXHAUSTED", { errorCode: "QUOTA_EXCEEDED" }) },
    requests: () => fcm.fake.requests.filter(({ path }) => path.startsWith("/v1/")).length,
    rotate: () => Promise.resolve(subscribe()),
    hostile: [{ endpoint: "a b" }, { endpoint: "../messages:send" }, { endpoint: "x".repeat(5_000) }],
    [Symbol.asyncDispose]: fcm[Symbol.asyncDispose],
  };
}

export const KITS: Record<string, (clock: Clock) => Promise<Kit>> = {
  "web-push": webPushKit,
  webhook: webhookKit,
  apns: apnsKit,
  fcm: fcmKit,
};
