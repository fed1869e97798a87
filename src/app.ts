/** The app: mounts the doors, and is the one exit of every error. */
import type { Logger } from "@logtape/logtape";
import type { Capabilities } from "./access/capabilities.ts";
import { createVapidCheck } from "./access/vapid_check.ts";
import type { PushService } from "./broker/mail/push_service.ts";
import { mountPushService } from "./doors/mount_push_service.ts";
import { type Context, Hono } from "hono";
import { createTokenVerifier } from "./access/access_tokens.ts";
import { createIssuers } from "./access/issuers.ts";
import { createRates } from "./access/rates.ts";
import { createRefusalTurns } from "./access/refusals.ts";
import type { Broker } from "./broker/broker.ts";
import type { Clock } from "./clock.ts";
import type { FiguresReader } from "./console/figures.ts";
import { CONSOLE } from "./console/page.tsx";
import type { Trouble } from "./console/trouble.ts";
import type { IssuerConfig } from "./config/issuers.ts";
import { consoleOffDoor, mountConsole } from "./doors/console.tsx";
import { crossOrigin, refusedInTurn, refuseOtherMethods, uncached } from "./doors/around.ts";
import { rawPushDoor } from "./doors/push.ts";
import { createRefused, loggedPath } from "./doors/refused.ts";
import { eventsDoor, SetError } from "./doors/events.ts";
import { gatewayDoor } from "./doors/gateway.ts";
import { createReference, docsDoor, openapiDoor } from "./doors/openapi.ts";
import { healthyDoor, metricsDoor, readyDoor } from "./doors/ops.ts";
import type { Route } from "./doors/openapi/document.ts";
import { problem } from "./doors/problem.ts";
import { ACTIVE_PATHS, activeSubscriptionsDoor } from "./doors/active_subscriptions.ts";
import { metadataDoor, metadataPath, withMetadata } from "./doors/discovery.ts";
import { type Routes, streamDoor, type StreamEnv } from "./doors/stream.ts";
import {
  deleteSubscriptionDoor,
  getSubscriptionDoor,
  listSubscriptionsDoor,
  subscribeDoor,
  type SubscriptionDeps,
  updateSubscriptionDoor,
} from "./doors/subscriptions.ts";
import { transportsDoor } from "./doors/transports.ts";
import { updateDoor } from "./doors/update.ts";
import { CarillonError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { HUB_PATH } from "./model/topic.ts";

export { HUB_PATH };

export type AppDeps = {
  /** The public origin: what tokens name as their audience. */
  url: string;
  kv: Deno.Kv;
  issuers: IssuerConfig[];
  origins: string[];
  anonymous: boolean;
  broker: Broker;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  adminHash: () => Promise<string | undefined>;
  isDraining: () => boolean;
  pushService: PushService;
  capabilities: Capabilities;
  /** Whether a token may come as a cookie, and there is a console. */
  cookies: boolean;
  figures: FiguresReader;
  trouble: Trouble;
  /** Event streams here, in all and of one subject. */
  maxStreams: number;
  maxSubjectStreams: number;
} & Pick<SubscriptionDeps, "offers">;

/** `raw` is asked first, where the server can; `routes` are what is mounted. */
export type App = {
  routes: () => Route[];
  handle: (request: Request, env: StreamEnv) => Response | Promise<Response>;
  raw: ReturnType<typeof rawPushDoor>;
};

export function createApp({ url, broker, clock, log, metrics, ...deps }: AppDeps): App {
  const { now } = clock;
  const hubUrl = url + HUB_PATH;
  const issuers = createIssuers(deps.issuers, hubUrl, deps.fetch);
  const charge = createRates(deps.issuers, clock.elapsed);
  const verify = createTokenVerifier({ issuers, audience: [url, hubUrl], hubUrl, now });
  const access = { verify, origins: new Set([url, ...deps.origins]), cookies: deps.cookies, hubUrl };
  const refused = createRefused({ metrics, log, trouble: deps.trouble }), awaitTurn = createRefusalTurns(clock);
  const app: Routes = new Hono();

  app.use(`${CONSOLE}/*`, refusedInTurn(awaitTurn));
  if (deps.cookies) mountConsole(app, { ...deps, ...broker, url, hubUrl, now, refused });
  else app.get(CONSOLE, consoleOffDoor);
  if (deps.origins.length > 0) app.use(crossOrigin(deps.origins));
  for (const path of ["/-/subscriptions/*", "/-/metrics"]) app.use(path, uncached);
  app.post("/-/events", eventsDoor({ issuers, url, hubUrl, publish: broker.publish, charge, now }));
  const subscribing = { ...deps, ...access, url, now, subscriptions: broker.subscriptions };
  app.post(
    "/-/gateway",
    gatewayDoor({ ...subscribing, publish: broker.publish, findUnheard: broker.findUnheard, charge }),
  );
  app.get("/-/transports", transportsDoor({ ...deps, hubUrl }));
  app.post("/-/subscriptions", subscribeDoor(subscribing));
  app.get("/-/subscriptions", listSubscriptionsDoor(subscribing));
  app.get("/-/subscriptions/:id", getSubscriptionDoor(subscribing));
  app.put("/-/subscriptions/:id", updateSubscriptionDoor(subscribing));
  app.delete("/-/subscriptions/:id", deleteSubscriptionDoor(subscribing));
  app.on(["GET", "QUERY"], HUB_PATH, streamDoor({ ...access, ...broker, anonymous: deps.anonymous }));
  app.post(HUB_PATH, updateDoor({ ...access, publish: broker.publish, isOwnId: broker.isOwnId, charge, now }));
  const pushing = { ...access, url, service: deps.pushService, capabilities: deps.capabilities, seats: broker.seats };
  const checkVapid = createVapidCheck({ now, elapsed: clock.elapsed, audience: new URL(url).origin });
  const receiving = { ...pushing, checkVapid, refused, awaitTurn };
  mountPushService(app, receiving);
  app.get(metadataPath(HUB_PATH), metadataDoor({ ...access, activeSubscriptions: broker.active !== undefined }));
  if (broker.active) {
    const listed = activeSubscriptionsDoor({ ...access, ...broker, list: broker.active.list });
    for (const path of ACTIVE_PATHS) app.get(path, listed);
  }
  app.get("/-/healthy", healthyDoor);
  app.get("/-/ready", readyDoor({ check: broker.check, isDraining: deps.isDraining }));
  app.get("/-/metrics", metricsDoor({ ...deps, metrics }));
  // The console is for people alone: nobody else is to rely on what its page asks for.
  const routes = () => app.routes.filter(({ method, path }) => method !== "ALL" && !path.startsWith(CONSOLE));
  const reference = createReference(url, routes, deps);
  app.get("/-/openapi.json", openapiDoor(reference));
  app.get("/-/docs", docsDoor(reference));

  refuseOtherMethods(app);
  app.notFound((c) =>
    answer(new CarillonError("not_found", `nothing is at the address: ${loggedPath(c.req.path)}`), c)
  );
  app.onError(answer);
  return { routes, handle: (request, env) => app.fetch(request, env), raw: rawPushDoor(receiving) };

  function answer(thrown: unknown, c?: Context): Response {
    // The path alone: a query can hold what must not be written down.
    const error = refused(thrown, c?.req.path);
    return error instanceof SetError ? error.toResponse() : problem(isOfHub(c) ? withMetadata(error, hubUrl) : error);
  }
}

/** The hub, and what is below it. */
function isOfHub(c: Context | undefined): boolean {
  return c !== undefined && `${c.req.path}/`.startsWith(`${HUB_PATH}/`);
}
