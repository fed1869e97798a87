/** A worker and a push service that trust each other, and owners who subscribe. */
import type { PushService, TestSubscription } from "./push_service.ts";
import { openPushService } from "./push_service.ts";
import { accessToken, testWorker } from "./worker.ts";

export type Pair = Awaited<ReturnType<typeof openPair>>;

type Grants = Parameters<typeof accessToken>[1];

/** Starts both; `await using` stops them. */
export async function openPair(options: Parameters<typeof testWorker>[0] = {}) {
  const service = await openPushService();
  const trusted = { CARILLON_PUSH_HOSTS: `127.0.0.1:${service.port}` };
  const worker = await testWorker({ ca: service.ca, ...options, env: { ...trusted, ...options.env } });

  /** Asks the worker as somebody who may subscribe to everything, or as the token says. */
  async function ask(method: string, path: string, body?: unknown, grants: Grants = {}, headers = {}) {
    const token = await accessToken(worker, { subscribe: ["*"], ...grants });
    const type = body === undefined ? undefined : { "content-type": "application/json" };
    return await fetch(new URL(path, worker.url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...type, ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  }

  const subscribe = (body: unknown, grants?: Grants) => ask("POST", "/-/subscriptions", body, grants);

  return {
    worker,
    service,
    ask,
    subscribe,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** What a browser hands over: `PushSubscription.toJSON()`, and what it wants to be told. */
export function handOver({ address, keys }: TestSubscription, topics: string[], more: Record<string, unknown> = {}) {
  return { endpoint: address, expirationTime: null, keys, topics, ...more };
}

/** The token of somebody else. */
export const as = (sub: string): Grants => ({ claims: { sub } });

/** The push messages that a subscription was sent so far, without the initial one. */
export function changesTo(service: PushService, to: TestSubscription): Record<string, unknown>[] {
  return service.messages(to).flatMap(({ text }) => JSON.parse(text).push.messages);
}
