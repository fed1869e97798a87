/** The OpenAPI 3.1 document of a worker, out of the schemas that its doors read with. */
import { OpenAPIHono } from "@hono/zod-openapi";
import manifest from "../../../deno.json" with { type: "json" };
import { COOKIE } from "../../access/credentials.ts";
import { DISCOVERY } from "./discovery.ts";
import { EVENTS, SECURITY_EVENT, SECURITY_EVENT_EXAMPLE } from "./events.ts";
import { GATEWAY } from "./gateway.ts";
import { HUB } from "./hub.ts";
import { limitsOf, type SetLimits } from "./limits.ts";
import { type Operation, responsesOf } from "./operation.ts";
import { OPS } from "./ops.ts";
import { PUSH_SERVICE } from "./push_service.ts";
import { SUBSCRIPTIONS } from "./subscriptions.ts";

/** Everything that a worker may have. */
export const OPERATIONS: Operation[] = [
  ...EVENTS,
  ...GATEWAY,
  ...SUBSCRIPTIONS,
  ...HUB,
  ...DISCOVERY,
  ...PUSH_SERVICE,
  ...OPS,
];

/** As the app mounts it: `path` in Hono's own form. */
export type Route = { method: string; path: string };

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "at+jwt",
    description: "An access token (RFC 9068) with grants of the Mercure type (RFC 9396).",
  },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: COOKIE,
    description: "The same, from the origins of CARILLON_ORIGINS; not where a DAV server shares ours.",
  },
  admin: { type: "http", scheme: "bearer", description: "The admin token: deno task token --admin makes one." },
  vapid: { type: "http", scheme: "vapid", description: "The sender's own signature (RFC 8292 3)." },
} as const;

const DESCRIPTION =
  "A push broker for calendars and contacts. Problems are JSON (RFC 9457) with `code` and `advice`; a " +
  "method that an address does not have is `method_not_allowed`, and what is nowhere `not_found`.";

/** Describes those of a worker's routes that have a description. `url` is its public origin. */
export function describe(url: string, routes: Route[], set: SetLimits) {
  // It answers nothing: it collects.
  const collected = new OpenAPIHono(), registry = collected.openAPIRegistry;
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    registry.registerComponent("securitySchemes", name, scheme);
  }
  registry.register("SecurityEvent", SECURITY_EVENT.meta({ example: SECURITY_EVENT_EXAMPLE }));
  for (const operation of OPERATIONS.filter((each) => routes.some((route) => isOf(route, each)))) {
    register(registry, operation);
  }
  const document = collected.getOpenAPI31Document({
    openapi: "3.1.1",
    info: {
      title: "Carillon",
      version: manifest.version,
      description: DESCRIPTION,
      license: { name: manifest.license },
      "x-limits": limitsOf(set),
    },
    servers: [{ url }],
  });
  return withQueries(document);
}

export type OpenApi = ReturnType<typeof describe>;

/** Hono writes `:id` where OpenAPI writes `{id}`. */
export const isOf = ({ method, path }: Route, operation: Operation) =>
  method.toLowerCase() === operation.method && path.replace(/:(\w+)/g, "{$1}") === operation.path;

function register(registry: OpenAPIHono["openAPIRegistry"], operation: Operation): void {
  const { codes: _, answers: __, method, ...rest } = operation;
  // The generator writes whatever it is told.
  registry.registerPath({ ...rest, method: method as "get", responses: responsesOf(operation) });
}

/** OpenAPI 3.1 knows no method QUERY: what begins with `x-` may stand beside the others. */
function withQueries<T extends { paths?: Record<string, object> }>(document: T): T {
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => {
    const { query, ...rest } = item as { query?: object };
    return [path, query ? { ...rest, "x-query": query } : rest];
  });
  return { ...document, paths: Object.fromEntries(paths) };
}
