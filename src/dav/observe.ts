/** What a client's writing changed: each 2xx of a method that writes is a change of the collection that it wrote to. */
import type { IncomingMessage } from "node:http";
import type { Subscriptions } from "../broker/subscriptions.ts";
import type { Change } from "../model/change.ts";
import { type Ask, type Asked, credentialsOf } from "./ask.ts";
import { contentChanges, propertyChanges } from "./changes.ts";
import { readDontNotify } from "./dont_notify.ts";
import { PRINCIPAL, SYNC_TOKEN } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";
import { ownerOf, principalOf } from "./principal.ts";
import { topicOf } from "./register.ts";
import { clientIdOf } from "./subscribe.ts";

const MEMBERS = new Set(["PUT", "DELETE", "POST", "MOVE", "COPY", "MKCOL", "MKCALENDAR", "PATCH"]);
const PROPERTIES = new Set(["PROPPATCH", "ACL"]);

type Deps = {
  ask: Ask;
  origin: string;
  subscriptions: Pick<Subscriptions, "get" | "hasAny">;
  publish: (changes: Change[]) => Promise<unknown>;
  now: () => number;
};

/** Called with each request that the upstream answered, and the status. Rejects when a change could not be published. */
export function createObserve({ ask, origin, subscriptions, publish, now }: Deps) {
  return async (incoming: IncomingMessage, status: number): Promise<void> => {
    const { method = "" } = incoming;
    if (status < 200 || status > 299 || !MEMBERS.has(method) && !PROPERTIES.has(method)) return;
    const written = PROPERTIES.has(method) ? [canonicalPath(incoming.url!)] : collectionsOf(incoming);
    const [whole, ended] = await Promise.all([wholeOf(incoming), endedOf(incoming)].map(withReaders));
    const paths = [...new Set([...written, ...whole!])];
    const asked = await Promise.all(paths.map((path) => askFor(path, incoming)));
    const how = { origin, timestamp: now(), except: await readExcept(incoming, asked[0]!.principal) };
    await publish(
      PROPERTIES.has(method) ? propertyChanges(asked[0]!.path, how) : contentChanges(asked, ended!, how),
    );
  };

  /** Few paths are collections that somebody is told of. */
  async function withReaders(paths: string[]): Promise<string[]> {
    const held = await Promise.all(paths.map((path) => subscriptions.hasAny(topicOf(origin, path))));
    return paths.filter((_, n) => held[n]);
  }

  /** What cannot be read is left out: the change is told all the same. */
  async function askFor(path: string, incoming: IncomingMessage) {
    const none: Asked = { status: 0, challenges: [], properties: new Map() };
    const asked = await ask(path, credentialsOf(incoming), [SYNC_TOKEN, PRINCIPAL]).catch(() => none);
    const token = asked.properties.get(SYNC_TOKEN)?.text.trim() || undefined;
    return { path: asked.path ?? path, token, principal: principalOf(asked) };
  }

  /** Who need not be told, as far as they are the writer's own. */
  async function readExcept({ headers }: IncomingMessage, principal: string | undefined): Promise<string[]> {
    const field = headers["push-dont-notify"];
    const text = Array.isArray(field) ? field.join() : field;
    const ids = await readDontNotify(text, principal, { subscriptions, origin });
    return [...ids, ...readClientId(headers["push-client-id"], principal)];
  }

  /** CC/CD 70025: the client that writes; percent-encoded. */
  function readClientId(field: string | string[] | undefined, principal: string | undefined): string[] {
    if (typeof field !== "string" || principal === undefined) return [];
    try {
      return [clientIdOf(ownerOf(origin, principal), decodeURIComponent(field.trim()))];
    } catch {
      return []; // escapes that are none
    }
  }
}

/** A MOVE changes two. What ends with a slash is a collection: making or deleting it changes the one above. */
function collectionsOf(incoming: IncomingMessage): string[] {
  const path = canonicalPath(incoming.url!), { method } = incoming, target = targetOf(incoming);
  if (method === "POST") return [path.endsWith("/") ? path : parentOf(path)];
  const paths = method === "COPY" && target ? [target] : [path, ...(target ? [target] : [])];
  return [...new Set(paths.map(parentOf))];
}

/** What may be a collection that was written as a whole: some servers take those by PUT. */
function wholeOf(incoming: IncomingMessage): string[] {
  const target = targetOf(incoming);
  return [
    ...(incoming.method === "PUT" ? [withSlash(canonicalPath(incoming.url!))] : []),
    ...(target ? [withSlash(target)] : []),
  ];
}

/** What may be a collection that is not there any more: who shows it is told, and finds that out. */
function endedOf({ method, url }: IncomingMessage): string[] {
  return method === "DELETE" || method === "MOVE" ? [withSlash(canonicalPath(url!))] : [];
}

const withSlash = (path: string) => path.endsWith("/") ? path : `${path}/`;

/** Only of who copies and moves: elsewhere servers do not look at it. */
function targetOf({ method, headers: { destination } }: IncomingMessage): string | undefined {
  const isUsed = (method === "COPY" || method === "MOVE") && typeof destination === "string";
  return isUsed ? canonicalPath(destination) : undefined;
}
