/**
 * What a cell is there for, while its parts are broken: servers that report changes until they are acknowledged, listeners
 * that resume, phones behind a push service; and the verdict on what they got.
 */
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { equal } from "./assert.ts";
import { statusOf } from "./cluster.ts";
import type { PushService, TestSubscription } from "./push_service.ts";
import { type Cell, createStreamChain } from "./stream_chain.ts";
import { changesTo, handOver } from "./subscriber.ts";
import { judge } from "./verdict.ts";
import { accessToken, type Message, securityEvent } from "./worker.ts";

/** Milliseconds between two attempts, and between two changes of one server. */
const AGAIN = 50;
const GAP = 20;

/** Milliseconds until what a worker that is gone has left undone is done by another one. */
const TAKEN_OVER = 45_000;

type Options = { servers?: number; listeners?: number; phones?: number };

export type Traffic = Awaited<ReturnType<typeof startTraffic>>;

const topicOf = (server: number) => `https://dav.example/${server}/`;
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Subscribes the phones to the topic of each server, and starts the rest; `await using` ends it in any case. */
export async function startTraffic(
  cell: Cell,
  service: PushService,
  { servers = 6, listeners = 3, phones = 2 }: Options = {},
) {
  const topics = Array.from({ length: servers }, (_, server) => topicOf(server));
  const acknowledged: string[] = [];
  /** How often a change was refused with each status; `undefined` is no answer at all. */
  const refusals = new Map<string, number>();
  const leaving = new AbortController();
  const waiting = createWaiting(describe);
  const chains = Array.from({ length: listeners }, () => createStreamChain(cell, waiting.notify));
  const subscribed = await subscribePhones(cell, service, topics, phones);
  const listening = chains.map((chain) => chain.run(leaving.signal));
  let stopped = false;
  const publishing = topics.map((topic, server) => publish(topic, server));

  function describe(): string {
    const heard = chains.map(({ heard }) => heard.size);
    return `${acknowledged.length} acknowledged, refused ${JSON.stringify([...refusals])}, heard ${heard}`;
  }

  /** A server: one change after the other, each until it is acknowledged. */
  async function publish(topic: string, server: number): Promise<void> {
    for (let number = 0; !stopped; number++) {
      const token = `${server}-${number}`;
      await insist({ topic, "sync-token": token }, crypto.randomUUID());
      if (leaving.signal.aborted) return;
      acknowledged.push(token);
      waiting.notify();
      await pause(GAP);
    }
  }

  /** Repeats a change, with the same `jti`, at one worker or the other. */
  async function insist(message: Message, jti: string): Promise<void> {
    const headers = { "content-type": "application/secevent+jwt" };
    while (!leaving.signal.aborted) {
      const { url } = cell.any();
      const body = await securityEvent({ url, local: cell.local }, [message], { jti });
      const status = await statusOf(`${url}/-/events`, { method: "POST", headers, body });
      if (status === 202) return;
      refusals.set(`${status}`, (refusals.get(`${status}`) ?? 0) + 1);
      waiting.notify();
      await pause(AGAIN);
    }
  }

  const isHeard = (count: number) => acknowledged.length >= count && chains.every(({ heard }) => heard.size >= count);

  /** Resolves when so many more changes were acknowledged, and every listener has heard as many. */
  async function flow(more = 50, milliseconds?: number): Promise<void> {
    const enough = acknowledged.length + more;
    await waiting.until(() => isHeard(enough), milliseconds);
  }

  /** Ends it when all has arrived, or was waited for in vain; prints the verdict, and throws where something is wrong. */
  async function finish(title: string): Promise<void> {
    stopped = true;
    await Promise.all(publishing);
    await waiting.until(() => isHeard(acknowledged.length), TAKEN_OVER).catch(() => {});
    await service.until(() => told().every(hasNewest), TAKEN_OVER).catch(() => {});
    await end();
    judge(title, { acknowledged, newest: newest(), chains, told: told() });
  }

  const told = () =>
    subscribed.map((phone) => changesTo(service, phone).map((change) => change["sync-token"] as string));
  const newest = () => topics.map((_, server) => acknowledged.findLast((token) => token.startsWith(`${server}-`))!);

  function hasNewest(told: string[]): boolean {
    return newest().every((token) => told.includes(token));
  }

  async function end(): Promise<void> {
    stopped = true;
    leaving.abort();
    await Promise.all([...publishing, ...listening]);
  }

  return { acknowledged, refusals, flow, until: waiting.until, finish, [Symbol.asyncDispose]: end };
}

/** Phones that want to be told of every change, at once. */
async function subscribePhones({ local, any }: Cell, service: PushService, topics: string[], count: number) {
  const phones: TestSubscription[] = Array.from({ length: count }, () => service.subscribe());
  for (const phone of phones) {
    const { url } = any();
    const authorization = `Bearer ${await accessToken({ url, local }, { subscribe: ["*"] })}`;
    const headers = { authorization, "content-type": "application/json" };
    const body = JSON.stringify(handOver(phone, topics, { maxDelay: 0 }));
    equal(await statusOf(`${url}/-/subscriptions`, { method: "POST", headers, body }), 201);
  }
  await service.until(() => phones.every((phone) => service.messages(phone).length > 0));
  return phones;
}
