/** `GET /-/transports`: how we can reach a client, and what it must know to subscribe. Public, as the key is. */
import type { Handler } from "hono";
import { MAX_OWNED } from "../access/quotas.ts";
import { MAX_TOPICS } from "../model/subscription.ts";
import type { Offer } from "../model/transport.ts";
import { hubLink } from "./discovery.ts";

/** What is offered changes rarely, seconds. */
const MAX_AGE = 300;

export function transportsDoor({ offers, hubUrl }: { offers: Offer[]; hubUrl: string }): Handler {
  const transports = offers.map(print);
  const headers = { "cache-control": `public, max-age=${MAX_AGE}`, link: hubLink(hubUrl) };
  return (c) => c.json({ transports }, 200, headers);
}

function print({ uri, latency, reachesClosed, refreshInterval, limits, data }: Offer) {
  const { addressBytes: endpointBytes, messageBytes } = limits;
  const known = Object.entries(data).map(([name, value]) => [toCamelCase(name), value]);
  return {
    uri,
    ...Object.fromEntries(known),
    latency,
    reachesClosed,
    refreshInterval,
    limits: { topics: MAX_TOPICS, endpointBytes, messageBytes, subscriptions: MAX_OWNED },
  };
}

/** Names of CC/CD 70025, as JSON of ours has them. */
function toCamelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
