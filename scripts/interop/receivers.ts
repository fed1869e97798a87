/** Someone at the other end of each transport, for whom a worker is set up by `env`: what each of them was told. */
import { openWebhookReceiver } from "../../tests/fakes/webhook.ts";
import { openPushService } from "../../tests/helpers/push_service.ts";
import { hear, openRig } from "../../tests/helpers/receiver_rig.ts";
import { freshDevice, freshRegistration } from "../../tests/helpers/vendor_accounts.ts";
import { openApple, openGoogle } from "../../tests/helpers/vendor_fakes.ts";
import { APNS } from "../../src/transports/apns.ts";
import { FCM } from "../../src/transports/fcm.ts";
import { WEBHOOK } from "../../src/transports/webhook.ts";
import { WEB_PUSH } from "../../src/model/subscription.ts";

/** `handed` is what `POST /-/subscriptions` wants to know of it; `told` all that came, as text. */
export type Receiver = { name: string; handed: Record<string, unknown>; told: () => string[] };

/** Opens all of them; `await using` closes them. */
export async function openReceivers() {
  const things = new AsyncDisposableStack();
  const opened = [
    await openWebPush(things),
    await openOwnPushService(things),
    await openWebhook(things),
    await openApns(things),
    await openFcm(things),
  ];
  return {
    receivers: opened.map(({ receiver }) => receiver),
    env: Object.assign({}, ...opened.map(({ env }) => env)) as Record<string, string>,
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

type Opened = { receiver: Receiver; env?: Record<string, string> };

async function openWebPush(things: AsyncDisposableStack): Promise<Opened> {
  const service = things.use(await openPushService()), subscription = service.subscribe();
  const handed = { transport: WEB_PUSH, endpoint: subscription.address, keys: subscription.keys };
  const told = () => service.messages(subscription).map(({ text }) => text);
  // All of them are on this machine, with certificates of one authority.
  return { receiver: { name: "Web Push", handed, told }, env: await service.env() };
}

/** Of another Carillon, which knows nothing of this one. */
async function openOwnPushService(things: AsyncDisposableStack): Promise<Opened> {
  const rig = things.use(await openRig()), receiver = await rig.subscribe();
  const heard = things.use(hear(receiver));
  const { endpoint, keys } = receiver.subscription;
  return {
    receiver: {
      name: "Carillon's push service",
      handed: { transport: WEB_PUSH, endpoint, keys },
      told: () => heard.texts,
    },
  };
}

async function openWebhook(things: AsyncDisposableStack): Promise<Opened> {
  const receiver = things.use(await openWebhookReceiver());
  const told = () => receiver.taken.map(({ raw }) => raw.body);
  return { receiver: { name: "webhook", handed: { transport: WEBHOOK, ...receiver.subscribe() }, told } };
}

async function openApns(things: AsyncDisposableStack): Promise<Opened> {
  const { fake, credentials } = await openApple();
  things.use(fake);
  const told = () => fake.notifications.map(({ payload }) => JSON.stringify(payload));
  return {
    receiver: { name: "APNs", handed: { transport: APNS, endpoint: freshDevice() }, told },
    env: { CARILLON_APNS: JSON.stringify(credentials) },
  };
}

async function openFcm(things: AsyncDisposableStack): Promise<Opened> {
  const { fake, credentials } = await openGoogle();
  things.use(fake);
  const file = {
    project_id: credentials.projectId,
    client_email: credentials.clientEmail,
    private_key_id: credentials.keyId,
    private_key: credentials.privateKey,
    token_uri: credentials.tokenUri,
    server: credentials.server,
  };
  return {
    receiver: {
      name: "FCM",
      handed: { transport: FCM, endpoint: freshRegistration() },
      told: () => fake.messages.map((message) => JSON.stringify(message)),
    },
    env: { CARILLON_FCM: JSON.stringify(file) },
  };
}
