/** WebDAV-Push from end to end: Radicale behind a worker, the messages of real clients, a push service of ours. */
import type { Clock } from "../../src/clock.ts";
import { eventually } from "./eventually.ts";
import { openPushService, type TestSubscription } from "./push_service.ts";
import { startRadicale } from "./radicale.ts";
import { type DavClient, davClient } from "./radicale_client.ts";
import { testWorker } from "./worker.ts";

export const XML = { "content-type": "application/xml; charset=utf-8" };
export const PUSH = "https://bitfire.at/webdav-push";

/** As DAVx5 asks for the collections of a home. */
export const FIND =
  `<propfind xmlns="DAV:" xmlns:P="${PUSH}"><prop><P:transports/><P:topic/><P:supported-triggers/></prop></propfind>`;

const fixture = (name: string) => Deno.readTextFileSync(new URL(`../fixtures/webdav-push/${name}`, import.meta.url));

/** A client's own document, for a subscription of our push service. */
export function registerOf(name: string, { address, keys }: TestSubscription): string {
  return fixture(name).replace(/https:\/\/up\.example\.net\/\w+/, address)
    .replace(/BCVxsr7N_[\w-]+/, keys.p256dh).replace(/BTBZMqHH6r4Tts7J_aSIgg/, keys.auth);
}

/** Registers a device as DAVx5 does. */
export function registerAt(client: DavClient, path: string, device: TestSubscription) {
  return client.request("POST", path, registerOf("davx5-next-register.xml", device), XML);
}

/** Resolves when it holds; throws when that takes too long. */
export const until = (holds: () => Promise<boolean>) => eventually("what a device was to be told", holds, 20_000);

/** Radicale with a calendar and an address book of alice's, a worker before it, and a push service. */
export async function openAll(
  options: Parameters<typeof startRadicale>[0] & { clock?: Clock } = {},
  more: Record<string, string> = {},
) {
  const things = new AsyncDisposableStack();
  const radicale = things.use(await startRadicale(options));
  const service = things.use(await openPushService());
  const env = { CARILLON_UPSTREAM: radicale.url, CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}`, ...more };
  const worker = things.use(await testWorker({ ca: service.ca, env, clock: options.clock }));
  const [alice, bob] = ["alice", "bob"].map((user) => davClient(worker.url, user));
  // Behind the worker's back: nobody is told.
  await radicale.as("alice").makeCalendar("/alice/work/");
  await radicale.as("alice").makeAddressBook("/alice/people/");
  return {
    radicale,
    service,
    worker,
    alice: alice!,
    bob: bob!,
    /** How many subscriptions are stored. */
    stored: async () => (await Array.fromAsync(worker.kv.list({ prefix: ["by_owner"] }))).length,
    [Symbol.asyncDispose]: () => things.disposeAsync(),
  };
}

export const topicIn = (text: string) => /<(?:\w+:)?topic[^>]*>([\w-]{22})<\//.exec(text)?.[1];
export const tokenIn = (text: string) => /<D:sync-token>([^<]+)</.exec(text)?.[1];
