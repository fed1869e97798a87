/**
 * A push service of ours (RFC 8030) over real HTTP/2 and TLS. It reads what it is sent as a browser would, refuses what
 * a push service refuses, and misbehaves when it is told to.
 */
import { Buffer } from "node:buffer";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import type { PushKeys } from "../../src/model/subscription.ts";
import { certificates } from "./certificates.ts";
import { type Behaviour, misbehave, type Response } from "./push_misbehaviour.ts";
import { type Incoming, type PushRequest, readPushRequest, type Refused, type Subscribed } from "./push_request.ts";
import { createUserAgent } from "./push_user_agent.ts";

export type { Behaviour } from "./push_misbehaviour.ts";

/** `behaviour` is what it was answered, `at` when: `performance.now()`. */
export type Answered = PushRequest & { behaviour: Behaviour; at: number };

export type TestSubscription = { address: string; path: string; keys: PushKeys };

type Options = {
  /** The host of the addresses: a name of `certificates.ts`, 127.0.0.1 or [::1]. */
  host?: string;
  /** HTTP/1.1 alone. */
  old?: boolean;
  /** Requests of one connection that HTTP/2 allows at once. */
  streams?: number;
  /** A clock for VAPID. */
  now?: () => number;
};

export type PushService = Awaited<ReturnType<typeof openPushService>>;

/** Starts one on a free port; `await using` stops it. */
export async function openPushService({ host = "127.0.0.1", old = false, streams, now = Date.now }: Options = {}) {
  const requests: Answered[] = [];
  const refusals: { status: number; reason: string }[] = [];
  const subscriptions = new Map<string, Subscribed>();
  const sockets = new Set<Socket>();
  const load = {
    /** Requests, and how many there were at once at most. */
    inFlight: 0,
    most: 0,
    /** Connections so far, and those that are open. */
    connections: 0,
    get open(): number {
      return sockets.size;
    },
  };
  let rules: { behaviour: Behaviour; path?: string; times: number }[] = [];
  let gate = Promise.resolve(), caFile: string | undefined;
  let server = createListener();
  let port = await listen(0);
  const waiting = createWaiting(() => `${requests.length} requests, refused: ${JSON.stringify(refusals)}`);

  function createListener() {
    const { cert, key } = certificates, settings = streams === undefined ? {} : { maxConcurrentStreams: streams };
    const created = old ? createServer({ cert, key }) : createSecureServer({ cert, key, settings });
    created.on("secureConnection", (socket: Socket) => {
      load.connections++;
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => void (sockets.delete(socket), waiting.notify()));
    });
    created.on("sessionError", () => {});
    created.on("request", (request: Incoming, response: Response) => void handle(request, response));
    return created;
  }

  async function listen(on: number): Promise<number> {
    await new Promise<void>((resolve) => server.listen(on, host === "[::1]" ? "::1" : "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  async function handle(request: Incoming, response: Response): Promise<void> {
    const held = gate;
    load.most = Math.max(load.most, ++load.inFlight);
    waiting.notify();
    response.on("error", () => {});
    response.once("close", () => void (load.inFlight--, waiting.notify()));
    const body = await readBody(request).catch(() => undefined);
    await held;
    if (!body || response.destroyed) return;
    try {
      const read = readPushRequest(request, body, { subscriptions, now: now() });
      requests.push({ ...read, behaviour: behaviourFor(read.path), at: performance.now() });
      misbehave(requests.at(-1)!.behaviour, response, socketOf(request));
    } catch (thrown) {
      const { status, message } = thrown as Refused;
      refusals.push({ status, reason: message });
      misbehave({ status }, response, socketOf(request));
    }
    waiting.notify();
  }

  /** HTTP/2 lends its socket to nobody. */
  function socketOf({ socket: { remotePort } }: Incoming): Socket {
    return [...sockets].find((socket) => socket.remotePort === remotePort)!;
  }

  function behaviourFor(path: string): Behaviour {
    const rule = rules.find((rule) => rule.times > 0 && (rule.path ?? path) === path);
    if (rule) rule.times--;
    return rule?.behaviour ?? { status: 201, headers: { location: `https://${host}/message`, ttl: "60" } };
  }

  /** A new subscription of a user agent of its own; `vapidKey` restricts it to that key (RFC 8292 4). */
  function subscribe({ vapidKey }: { vapidKey?: string } = {}): TestSubscription {
    const agent = createUserAgent(), path = `/push/${crypto.randomUUID()}`;
    subscriptions.set(path, { ...agent, vapidKey });
    return { address: `https://${host}:${port}${path}`, path, keys: agent.keys };
  }

  /** Answers the next requests so, those to one subscription or all. Rules that were made first come first. */
  function behave(
    behaviour: Behaviour,
    { to, times = Infinity }: { to?: TestSubscription; times?: number } = {},
  ): void {
    rules.push({ behaviour, path: to?.path, times });
  }

  /** Holds what arrives until the answer is called. */
  function pause(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return resolve;
  }

  /** Refuses connections, and breaks those that are open. */
  async function stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  async function start(): Promise<void> {
    server = createListener();
    port = await listen(port);
  }

  /** The settings of a worker in another process that is to reach it; `node:tls` takes authorities from `DENO_CERT` too. */
  async function env(): Promise<Record<string, string>> {
    caFile ??= await Deno.makeTempFile({ suffix: ".pem" });
    await Deno.writeTextFile(caFile, certificates.ca);
    return { CARILLON_PUSH_HOSTS: host, NODE_EXTRA_CA_CERTS: caFile };
  }

  async function end(): Promise<void> {
    await stop();
    if (caFile !== undefined) await Deno.remove(caFile);
  }

  return {
    port,
    ca: certificates.ca,
    env,
    requests,
    refusals,
    load,
    /** The requests that were taken, of one subscription or all. */
    messages: (to?: TestSubscription) =>
      requests.filter(({ behaviour, path }) => isTaken(behaviour) && (to?.path ?? path) === path),
    subscribe,
    behave,
    recover: () => void (rules = []),
    /** The subscription is over: 410. */
    unsubscribe: ({ path }: TestSubscription) => void (subscriptions.get(path)!.ended = true),
    pause,
    until: waiting.until,
    stop,
    start,
    [Symbol.asyncDispose]: end,
  };
}

function isTaken(behaviour: Behaviour): boolean {
  return behaviour === "goaway" || behaviour === "half" || typeof behaviour === "object" && behaviour.status === 201;
}

async function readBody(request: Incoming): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
}
