/** A worker: database, broker, app and server put together. `main.ts` and the tests start it alike. */
import type { Logger } from "@logtape/logtape";
import { createCapabilities } from "./access/capabilities.ts";
import { createApp } from "./app.ts";
import { type BrokerDeps, openBroker } from "./broker/broker.ts";
import { createPushService, type PushService } from "./broker/mail/push_service.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import { createFigures } from "./console/figures.ts";
import { createTrouble } from "./console/trouble.ts";
import { type DavDoor, openDavDoor } from "./doors/dav.ts";
import { messageUrl } from "./doors/push_service.ts";
import { causeOf } from "./errors.ts";
import type { ReadMemory } from "./memory.ts";
import type { Metrics } from "./metrics.ts";
import type { Outlets } from "./senders.ts";
import type { Listening, serveNode } from "./serve/node_http.ts";
import { hashAdminToken, readAdminHash, readLocalIssuer } from "./store/keys.ts";

export type WorkerDeps = {
  config: Config;
  kv: Deno.Kv;
  embedded: boolean;
  clock: Clock;
  random: () => number;
  fetch: typeof globalThis.fetch;
  log: Logger;
  metrics: Metrics;
  readMemory: ReadMemory;
  outlets: Outlets;
  serve: typeof serveNode;
  limits?: BrokerDeps["limits"];
};

/** `minute` is for a cron; `stop` drains. */
export type Worker = { url: string; minute: () => Promise<void>; stop: () => Promise<void> };

const EVERYTHING = { match: "*", type: "exact" as const };

/** Fills the ring, then listens. `stop` drains: accepted work is committed, streams end, connections close. */
export async function startWorker({ config, serve, outlets, ...deps }: WorkerDeps): Promise<Worker> {
  const { kv, clock } = deps, trouble = createTrouble(clock);
  const broker = await openBroker({ ...config, ...deps, ...outlets, senders: trouble.watch(outlets.senders) });
  const local = await readLocalIssuer(kv, config.secret);
  const issuers = [
    { iss: local.iss, keys: { jwks: local.jwks }, algorithms: ["EdDSA" as const], topics: [EVERYTHING] },
    ...config.issuers,
  ];
  const figures = createFigures({ ...deps, trouble, issuers });
  const stopping = new AbortController();
  const capabilities = createCapabilities(broker.hashKey);
  let stopped: Promise<void> | undefined, dav: DavDoor | undefined, pushService: PushService;
  let url = config.url;
  const listening = await serve(config.host, config.port, (port) => {
    // Port 0 is known only now.
    if (new URL(url).port === "0") url = `http://localhost:${port}`;
    dav = openDavDoor({ ...config, ...deps, ...outlets, url, davUrl: config.davUrl ?? url, broker, trouble });
    if (dav?.isShared) deps.log.warn("there is no console and no cookie: set CARILLON_DAV_URL to a host of its own");
    const tokenOf = capabilities.ofMessage;
    pushService = createPushService({ ...deps, seats: broker.seats, tokenOf, messageUrl: messageUrl(url) });
    const adminHash = async () => config.adminToken ? hashAdminToken(config.adminToken) : await readAdminHash(kv);
    const isDraining = () => stopping.signal.aborted;
    const app = createApp({
      ...config,
      ...deps,
      ...outlets,
      url,
      issuers,
      broker,
      pushService,
      capabilities,
      figures,
      trouble,
      // A page that the DAV server passes on must not speak with the cookie of who looks at it.
      cookies: !dav?.isShared,
      adminHash,
      isDraining,
    });
    // A DAV client may take as long as it likes to send a large file.
    return { ...app, raw: (...given) => dav?.handle(...given) || app.raw(...given), ...(dav && { requestTimeout: 0 }) };
  });
  const following = Promise.all([
    broker.run(stopping.signal),
    dav?.run(stopping.signal),
    pushService!.run(stopping.signal),
  ]);
  const ticking = tickEverySecond([broker.tick, pushService!.tick, outlets.tick, figures.tick], clock, stopping.signal);
  return { url, minute, stop };

  async function minute(): Promise<void> {
    const pushes = pushService.minute().catch((thrown) => {
      deps.log.warn("pushes were not swept: {code}", causeOf(thrown));
    });
    await Promise.all([broker.minute(), pushes]);
  }

  /** Asked twice, it is done once, and both wait for it. */
  function stop(): Promise<void> {
    return stopped ??= drain();
  }

  async function drain(): Promise<void> {
    stopping.abort();
    const closed = listening.close();
    await Promise.all([broker.drain(), pushService.drain()]);
    await Promise.all([closeWithin(listening, closed), following, ticking]);
    dav?.close();
  }
}

async function tickEverySecond(ticks: (() => void)[], clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.wait(1_000, signal);
    for (const tick of ticks) tick();
  }
}

/** Milliseconds. Deploy gives five seconds to leave; a connection that is still open then is not waited for. */
const GRACE = 1_000;

async function closeWithin(listening: Listening, closed: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, GRACE);
  await Promise.race([closed, promise]);
  clearTimeout(timer);
  listening.abort();
}
