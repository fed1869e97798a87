/**
 * The measured process of the bench `webpush`, alone on its core: sends by our transport, and works by the `web-push`
 * package, in turns. Prints one line of JSON.
 */
import { Buffer } from "node:buffer";
import { createECDH, randomBytes } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import webPush from "web-push";
import { systemClock } from "../../src/clock.ts";
import type { Delivery } from "../../src/model/delivery.ts";
import { parsePushHost } from "../../src/model/push_host.ts";
import type { Subscriber } from "../../src/model/subscription.ts";
import { createEgress } from "../../src/transports/egress.ts";
import { POOL } from "../../src/transports/ephemeral_keys.ts";
import { createTrust } from "../../src/transports/trust.ts";
import { createWebPush } from "../../src/transports/webpush.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { importVapidKey } from "../../src/wire/vapid.ts";

/** What the bench asks for: `messages` and `details` a round. */
export type Task = { origin: string; ca: string; rounds: number; messages: number; details: number };

/** Microseconds each, one entry a round: with keys made as they are needed, with keys made ahead, and by `web-push`. */
export type Measured = { ours: number[]; ahead: number[]; theirs: number[]; failed: number };

const CONTACT = "mailto:admin@localhost";
const SUBSCRIBERS = 500;
const AT_ONCE = 80;

const task = JSON.parse(Deno.args[0]!) as Task;
const vapid = webPush.generateVAPIDKeys();
const subscribers = Array.from({ length: SUBSCRIBERS }, makeSubscriber);
const egress = createEgress({
  trust: createTrust([parsePushHost(new URL(task.origin).host)]),
  clock: systemClock,
  ca: task.ca,
});
const push = createWebPush({
  egress,
  keys: [await importVapidKey(toJwk(vapid))],
  contact: CONTACT,
  clock: systemClock,
  random: Math.random,
  log: getLogger("carillon"),
});
const measured: Measured = { ours: [], ahead: [], theirs: [], failed: 0 };
let number = 0;

for (let round = 0; round <= task.rounds; round++) {
  const ours = await timed(task.messages, () => inParallel(task.messages, sendOne));
  const theirs = await timed(task.details, () => Promise.resolve(inSequence(task.details, prepareOne)));
  await fillPool();
  const ahead = await timed(POOL, () => inParallel(POOL, sendOne));
  // In the first round code is compiled and the connection opened.
  if (round === 0) continue;
  measured.ours.push(ours);
  measured.theirs.push(theirs);
  measured.ahead.push(ahead);
}
await Promise.all([push.close(), egress.close()]);
console.log(JSON.stringify(measured));

async function sendOne(): Promise<void> {
  const { kind } = await push.send(delivery());
  if (kind !== "delivered") measured.failed++;
}

function prepareOne(): void {
  const { subscriber: { address, keys }, message } = delivery();
  const vapidDetails = { subject: CONTACT, ...vapid };
  webPush.generateRequestDetails({ endpoint: address, keys }, Buffer.from(printPush(message)), { vapidDetails });
}

/** A message of its own each time: nothing is printed once for many. */
function delivery(): Delivery {
  const subscriber = subscribers[number++ % SUBSCRIBERS]!, timestamp = Date.now();
  const content = { depths: ["1" as const], except: [], timestamp, syncToken: `http://radicale.org/ns/sync/${number}` };
  const merged = { priority: 50, timestamp, content };
  return {
    subscriber,
    message: { topic: `https://dav.example/calendars/alice/${number}/`, merged },
    until: timestamp + 86_400_000,
    attempt: 0,
    replaces: "abcdefghijklmnopqrstuv",
  };
}

function makeSubscriber(): Subscriber {
  const keys = {
    p256dh: createECDH("prime256v1").generateKeys("base64url"),
    auth: randomBytes(16).toString("base64url"),
  };
  const id = crypto.randomUUID();
  return {
    id,
    owner: "bench",
    transport: "web-push",
    address: `${task.origin}/push/${id}`,
    keys,
    triggers: {},
    minPriority: 0,
    vapidKey: vapid.publicKey,
    confirmed: true,
    expiresAt: Infinity,
  };
}

function toJwk({ publicKey, privateKey }: { publicKey: string; privateKey: string }) {
  const point = Buffer.from(publicKey, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString("base64url"));
  return { kty: "EC", crv: "P-256", x, y, d: privateKey };
}

async function fillPool(): Promise<void> {
  while (push.stats().keysReady! < POOL) {
    push.tick();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

async function inParallel(count: number, run: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function inSequence(count: number, run: () => void): void {
  for (let done = 0; done < count; done++) run();
}

async function timed(count: number, run: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await run();
  return (performance.now() - since) * 1000 / count;
}
