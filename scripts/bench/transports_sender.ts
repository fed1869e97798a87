/**
 * The measured process of the bench `transports`, alone on its core: sends by each transport in turns. Prints one line of
 * JSON.
 */
import { getLogger } from "@logtape/logtape";
import { systemClock } from "../../src/clock.ts";
import type { Delivery } from "../../src/model/delivery.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import type { Transport } from "../../src/model/transport.ts";
import { createApns } from "../../src/transports/apns.ts";
import { createEgress } from "../../src/transports/egress.ts";
import { createFcm } from "../../src/transports/fcm.ts";
import { createWebhook } from "../../src/transports/webhook.ts";
import { createEnvelope } from "../../src/store/seal.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { freshDevice, freshRegistration } from "../../tests/helpers/vendor_accounts.ts";
import type { Listening } from "./vendor_sink.ts";

/** What the bench asks for: `messages` a round. */
export type Task = Listening & { rounds: number; messages: number };

/** Microseconds each, by transport, one entry a round. */
export type Measured = { took: Record<string, number[]>; failed: number };

type Sender = { transport: Transport; addresses: string[]; keys?: Record<string, string> };

const SUBSCRIBERS = 500;
const AT_ONCE = 80;

const task = JSON.parse(Deno.args[0]!) as Task;
const egress = createEgress({
  trust: createTrust([parsePushHost("127.0.0.1")]),
  clock: systemClock,
  ca: task.ca,
});
const deps = { egress, clock: systemClock, random: Math.random, log: getLogger("carillon") };
const senders: Sender[] = [
  { transport: createApns({ ...deps, credentials: task.apns }), addresses: addresses(() => `apns:${freshDevice()}`) },
  {
    transport: createFcm({ ...deps, credentials: task.fcm }),
    addresses: addresses(() => `fcm:${freshRegistration()}`),
  },
  {
    transport: createWebhook({ ...deps, ownOrigins: [], ...createEnvelope("a secret of sixteen characters and more") }),
    addresses: addresses(() => `${task.webhook.endpoint}/${crypto.randomUUID()}`),
    keys: { secret: await createEnvelope("a secret of sixteen characters and more").seal(task.webhook.keys.secret) },
  },
];
const measured: Measured = {
  took: Object.fromEntries(senders.map(({ transport }) => [transport.offer.name, []])),
  failed: 0,
};
let number = 0;

for (let round = 0; round <= task.rounds; round++) {
  for (const sender of senders) {
    const took = await timed(sender);
    // In the first round code is compiled and the connection opened.
    if (round > 0) measured.took[sender.transport.offer.name]!.push(took);
  }
}
await egress.close();
console.log(JSON.stringify(measured));

/** Microseconds a message. */
async function timed(sender: Sender): Promise<number> {
  const since = performance.now();
  let left = task.messages;
  const worker = async () => {
    while (left-- > 0) await sendOne(sender);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (performance.now() - since) * 1000 / task.messages;
}

async function sendOne({ transport, addresses, keys = {} }: Sender): Promise<void> {
  const { kind } = await transport.send(delivery(transport, addresses[number++ % SUBSCRIBERS]!, keys));
  if (kind !== "delivered") measured.failed++;
}

/** A message of its own each time: nothing is printed once for many. */
function delivery({ offer }: Transport, address: string, keys: Record<string, string>): Delivery {
  const timestamp = Date.now();
  const content = { depths: ["1" as const], except: [], timestamp, syncToken: `http://radicale.org/ns/sync/${number}` };
  const message = {
    topic: `https://dav.example/calendars/alice/${number}/`,
    merged: { priority: 50, timestamp, content },
  };
  const subscriber = {
    id: address,
    owner: "bench",
    transport: offer.name,
    address,
    keys,
    triggers: {},
    minPriority: 0,
    vapidKey: "",
    confirmed: true,
    expiresAt: Infinity,
  };
  return { subscriber, message, until: timestamp + 86_400_000, replaces: "abcdefghijklmnopqrstuv", attempt: 0 };
}

function addresses(make: () => string): string[] {
  return Array.from({ length: SUBSCRIBERS }, make);
}
