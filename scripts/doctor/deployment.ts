/** What the checks look at: one deployment, from outside. */
import type { Config } from "../../src/config.ts";
import type { Credential } from "./credential.ts";

export type Deployment = {
  /** Its public origin. */
  url: string;
  /** As the network names them: no brackets around an IPv6 address. */
  host: string;
  port: number;
  /** PEM of authorities that are trusted besides the system's. */
  ca: string | undefined;
  topic: string;
  /** A page's origin that CORS must let in. */
  origin: string | undefined;
  credential: Credential | undefined;
  /** The worker's own settings, where this is its machine. */
  settings: Config | undefined;
  /** Asks at a path of it. Never follows a redirect; gives up after `TIMEOUT`. */
  request: (path: string, init?: RequestInit) => Promise<Response>;
  /** Milliseconds: of the wall clock, and of one that is never set. */
  now: () => number;
  elapsed: () => number;
};

export type Target = Omit<Deployment, "host" | "port" | "request">;

/** Milliseconds. A worker gives up its database after eight seconds, and says so. */
const TIMEOUT = 10_000;

export const isTls = ({ url }: Pick<Deployment, "url">) => url.startsWith("https:");

export function deploymentOf(target: Target, fetch: typeof globalThis.fetch): Deployment {
  const { hostname, port } = new URL(target.url);
  return {
    ...target,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (isTls(target) ? 443 : 80),
    request: (path, init) =>
      fetch(target.url + path, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT), ...init }),
  };
}
