/** What is done around several doors. */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AwaitTurn } from "../access/refusals.ts";
import { CarillonError } from "../errors.ts";
import type { Routes } from "./stream.ts";

/** What is refused may wait; who must wait too long has to connect again. */
export function refusedInTurn(awaitTurn: AwaitTurn): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const isRefused = c.res.status >= 400 && c.res.status < 500;
    if (isRefused && !(await awaitTurn())) c.header("connection", "close");
  };
}

/** One caller's alone: a request that brings a cookie does not tell that to the caches on its way (RFC 9111 3.5). */
export const uncached: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
};

export function crossOrigin(origin: string[]) {
  return cors({
    origin,
    credentials: true,
    allowMethods: ["GET", "QUERY", "POST", "PUT", "DELETE"],
    allowHeaders: ["authorization", "content-type", "last-event-id", "link", "urgency"],
    exposeHeaders: ["link", "location", "mercure-last-event-id", "retry-after", "www-authenticate"],
    maxAge: 600,
  });
}

/** Methods that an address does not have are 405, with those that it has. Called when all are mounted. */
export function refuseOtherMethods(app: Routes): void {
  const allowed = new Map<string, string[]>();
  for (const { path, method } of app.routes.filter(({ method }) => method !== "ALL")) {
    allowed.set(path, [...allowed.get(path) ?? [], method]);
  }
  for (const [path, methods] of allowed) {
    app.all(path, (c) => {
      throw new CarillonError("method_not_allowed", `the method was refused: ${c.req.method}`, {
        allow: methods.flatMap((name) => name === "GET" ? ["GET", "HEAD"] : [name]).join(", "),
      });
    });
  }
}
