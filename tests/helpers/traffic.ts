/**
 * What a cell is there for, while its parts are broken: servers that report changes until they are acknowledged, listeners
 * that resume, phones behind a push service; and the count of what was lost.
 */
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { readItems } from "../../scripts/lib/event_items.ts";
import type { LocalIssuer } from "../../src/store/keys.ts";
import { equal, ok } from "./assert.ts";
import { statusOf } from "./cluster.ts";
import type { PushService, TestSubscription } from "./push_service.ts";
import { changesTo, handOver } from "./subscriber.ts";
import { accessToken, type Message, securityEvent } from "./worker.ts";

/** Milliseconds between two attempts, and between two changes of one server. */
const AGAIN = 50;
const GAP = 20;

/** Workers that share an issuer; `any` answers one that lives. */
type Cell = { local: LocalIssuer; any: () => { url: string; hub: string } };

type Options = { servers?: number; listeners?: number; phones?: number };

export type Traffic = Awaited<ReturnType<typeof startTraffic>>;

/** A chain of streams, each resumed where the one before ended: all that it was told, in order. */
type Listener = { lastId: string; tokens: string[]; strange: string[] };

const topicOf = (server: number) => `https://dav.example/${server}/`;
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Subscribes the phones, and starts the rest. */
export async function startTraffic(
  { local, any }: Cell,
  service: PushService,
  { servers = 6, listeners = 3, phones = 2 }: Options = {},
) {
  const topics = Array.from({ length: servers }, (_, server) => topicOf(server));
  const acknowledged: string[] = [];
  const refusals = new Map<string, number>();
  const leaving = new AbortController();
  const waiting = createWaiting(() =>
    `${acknowledged.length} acknowledged, refused ${JSON.stringify([...refusals])}, heard ${chains.map(heardBy)}`
  );
  const subscribed = await subscribePhones();
  const chains: Listener[] = Array.from({ length: listeners }, () => ({ lastId: "earliest", tokens: [], strange: [] }));
  const listening = chains.map(listen);
  let stopped = false;
  const publishing = topics.map((_, server) => publish(server));

  function tokenFor({ url }: { url: string }): Promise<string> {
    return accessToken({ url, local }, { subscribe: ["*"] });
  }

  async function subscribePhones(): Promise<TestSubscription[]> {
    const all = Array.from({ length: phones }, () => service.subscribe());
    for (const phone of all) {
      const worker = any();
      const authorization = `Bearer ${await tokenFor(worker)}`;
      const headers = { authorization, "content-type": "application/json" };
      const body = JSON.stringify(handOver(phone, topics, { maxDelay: 0 }));
      equal(await statusOf(`${worker.url}/-/subscriptions`, { method: "POST", headers, body }), 201);
    }
    await service.until(() => all.every((phone) => service.messages(phone).length > 0));
    return all;
  }

  /** A server: one change after the other, each until it is acknowledged. */
  async function publish(server: number): Promise<void> {
    for (let number = 0; !stopped; number++) {
      const change = `${server}-${number}`;
      await insist({ topic: topicOf(server), "sync-token": change }, crypto.randomUUID());
      if (leaving.signal.aborted) return;
      acknowledged.push(change);
      waiting.notify();
      await pause(GAP);
    }
  }

  /** Repeats a change, with the same `jti`, at one worker or the other. */
  async function insist(message: Message, jti: string): Promise<void> {
    const headers = { "content-type": "application/secevent+jwt" };
    while (!leaving.signal.aborted) {
      const worker = any();
      const body = await securityEvent({ url: worker.url, local }, [message], { jti });
      const status = await statusOf(`${worker.url}/-/events`, { method: "POST", headers, body });
      if (status === 202) return;
      refusals.set(`${status}`, (refusals.get(`${status}`) ?? 0) + 1);
      waiting.notify();
      await pause(AGAIN);
    }
  }

  async function listen(chain: Listener): Promise<void> {
    while (!leaving.signal.aborted) {
      await readOne(chain).catch(() => {});
      await pause(AGAIN);
    }
  }

  async function readOne(chain: Listener): Promise<void> {
    const worker = any();
    const headers = { authorization: `Bearer ${await tokenFor(worker)}`, "last-event-id": chain.lastId };
    const response = await fetch(`${worker.hub}?match=*`, { headers });
    if (response.status !== 200) return await response.body?.cancel();
    for await (const item of readItems(readUntil(leaving.signal, response.body!), () => {})) {
      if (item.kind === "id") chain.lastId = item.id;
      if (item.kind !== "event") continue;
      if (item.type === "message") chain.tokens.push(JSON.parse(item.data)["sync-token"]);
      else chain.strange.push(item.type);
      waiting.notify();
    }
  }

  const heardBy = ({ tokens }: Listener) => new Set(tokens).size;

  /** Resolves when so many more changes were acknowledged, and every listener has heard as many. */
  async function flow(more = 50, milliseconds?: number): Promise<void> {
    const enough = acknowledged.length + more;
    await waiting.until(
      () => acknowledged.length >= enough && chains.every((chain) => heardBy(chain) >= enough),
      milliseconds,
    );
  }

  /** Ends it when all has arrived, and says what was lost and doubled. */
  async function finish(title: string, milliseconds = 45_000): Promise<{ duplicates: number; refusals: string[] }> {
    stopped = true;
    await Promise.all(publishing);
    const isHeard = () => chains.every((chain) => heardBy(chain) >= acknowledged.length);
    await waiting.until(isHeard, milliseconds).catch(() => {});
    await service.until(() => missing().length === 0, milliseconds).catch(() => {});
    leaving.abort();
    await Promise.all(listening);
    return judge(title);
  }

  /** The newest change of each topic that a phone was not told. */
  function missing(): string[] {
    const newest = topics.map((_, server) => acknowledged.findLast((change) => change.startsWith(`${server}-`))!);
    return subscribed.flatMap((phone) => {
      const told = new Set(toldTo(phone));
      return newest.filter((change) => !told.has(change));
    });
  }

  const toldTo = (phone: TestSubscription) => changesTo(service, phone).map((message) => message["sync-token"]);

  function judge(title: string) {
    const pushed = subscribed.map(toldTo);
    const lost = [...chains.flatMap(({ tokens }) => lack(acknowledged, tokens)), ...missing()];
    const delivered = [...chains.map(({ tokens }) => tokens), ...pushed].reduce((sum, { length }) => sum + length, 0);
    const duplicates = pushed.reduce((sum, told) => sum + told.length - new Set(told).size, 0);
    console.log(
      `${title}: acknowledged ${acknowledged.length}, delivered ${delivered}, duplicates ${duplicates}, lost ${lost.length}`,
    );
    equal(lost, []);
    for (const { tokens, strange } of chains) {
      equal(strange, [], "no stream was told that something is lost");
      equal(tokens.length, new Set(tokens).size, "none twice within a chain of streams");
      equal(tokens, chains[0]!.tokens, "one order on all streams");
      ok(isInOrder(tokens), "the changes of one server stay in their order");
    }
    return { duplicates, refusals: [...refusals.keys()] };
  }

  /** Ends it in any case. */
  async function end(): Promise<void> {
    stopped = true;
    leaving.abort();
    await Promise.all([...publishing, ...listening]);
  }

  return { acknowledged, refusals, flow, until: waiting.until, finish, [Symbol.asyncDispose]: end };
}

/** Ends with the signal. (Given to many calls of `fetch`, a signal reaches some of them no more, in Deno 2.9.6.) */
function readUntil(signal: AbortSignal, body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await reader.read();
      done ? controller.close() : controller.enqueue(value);
    },
  });
}

function lack(all: string[], got: string[]): string[] {
  const has = new Set(got);
  return all.filter((each) => !has.has(each));
}

function isInOrder(tokens: string[]): boolean {
  const next = new Map<string, number>();
  return tokens.every((token) => {
    const [server, number] = token.split("-") as [string, string];
    const expected = next.get(server) ?? 0;
    next.set(server, expected + 1);
    return Number(number) === expected;
  });
}
