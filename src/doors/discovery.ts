/** Discovery: how a client that knows an address of ours finds the hub, and what it must bring (RFC 8288, RFC 9728). */
import type { Handler } from "hono";
import { COOKIE } from "../access/credentials.ts";
import { CarillonError } from "../errors.ts";
import { GRANT_TYPE } from "../model/grant.ts";
import { MATCH_TYPES } from "../model/matcher.ts";

/** RFC 9728 3.1: the well-known name stands between the host and the path of the resource. */
const METADATA = "/.well-known/oauth-protected-resource";

/** What the metadata says changes with the settings alone, seconds. */
const MAX_AGE = 300;

/** Where the metadata of the hub is, which is served at `path`. */
export const metadataPath = (path: string) => METADATA + path;

/** The value of `Link` that names the hub (Mercure, "Discovery"), with target attributes. */
export function hubLink(hubUrl: string, attributes: Record<string, string> = {}): string {
  const quoted = Object.entries({ rel: "mercure", ...attributes }).map(([name, value]) =>
    `; ${name}="${quote(value)}"`
  );
  return `<${hubUrl}>${quoted.join("")}`;
}

/** RFC 9110 5.6.4. */
const quote = (value: string) => value.replace(/["\\]/g, "\\$&");

type Deps = { hubUrl: string; cookies: boolean; activeSubscriptions: boolean };

/** `GET /.well-known/oauth-protected-resource/.well-known/mercure`: RFC 9728 2, with Mercure's own members. */
export function metadataDoor({ hubUrl, cookies, activeSubscriptions }: Deps): Handler {
  const metadata = {
    resource: hubUrl,
    authorization_details_types_supported: [GRANT_TYPE],
    bearer_methods_supported: ["header"],
    mercure_matcher_types_supported: MATCH_TYPES,
    ...(cookies && { mercure_cookie: COOKIE }),
    ...(activeSubscriptions && { mercure_subscriptions: true }),
  };
  const headers = { "cache-control": `public, max-age=${MAX_AGE}`, link: hubLink(hubUrl) };
  return (c) => c.json(metadata, 200, headers);
}

/** RFC 9728 5.1: the hub's challenges, whatever they say, name its metadata. */
export function withMetadata(error: CarillonError, hubUrl: string): CarillonError {
  const { "www-authenticate": challenge, ...headers } = error.headers;
  if (challenge === undefined) return error;
  const { origin, pathname } = new URL(hubUrl), where = `resource_metadata="${origin}${metadataPath(pathname)}"`;
  const named = challenge === "Bearer" ? `${challenge} ${where}` : `${challenge}, ${where}`;
  return new CarillonError(error.code, error.message, { ...headers, "www-authenticate": named });
}
