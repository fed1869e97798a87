/** What a client's writing changed: each 2xx of a method that writes is a change of the collection that it wrote to. */
import type { IncomingMessage } from "node:http";
import type { Subscriptions } from "../broker/subscriptions.ts";
import type { Change } from "../model/change.ts";
import { type Ask, type Asked, credentialsOf, syncTokenOf } from "./ask.ts";
import { contentChanges, type How, propertyChanges } from "./changes.ts";
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
    if (status < 200 || status > 299) return;
    if (PROPERTIES.has(method)) await publish(await propertiesWritten(incoming));
    else if (MEMBERS.has(method)) await publish(await membersWritten(incoming));
  };

  async function propertiesWritten(incoming: IncomingMessage): Promise<Change[]> {
    const { path, principal } = await askFor(canonicalPath(incoming.url!), incoming);
    return propertyChanges(path, await howOf(incoming, principal));
  }

  async function membersWritten(incoming: IncomingMessage): Promise<Change[]> {
    const { collections, whole, ended } = writtenBy(incoming);
    const [held, gone] = await Promise.all([withReaders(whole), withReaders(ended)]);
    const paths = [...new Set([...collections, ...held])];
    const asked = await Promise.all(paths.map((path) => askFor(path, incoming)));
    return contentChanges(asked, gone, await howOf(incoming, asked[0]!.principal));
  }

  async function howOf(incoming: IncomingMessage, principal: string | undefined): Promise<How> {
    return { origin, timestamp: now(), except: await readExcept(incoming, principal) };
  }

  /** Few paths are collections that somebody is told of. */
  async function withReaders(paths: string[]): Promise<string[]> {
    const held = await Promise.all(paths.map((path) => subscriptions.hasAny(topicOf(origin, path))));
    return paths.filter((_, n) => held[n]);
  }

  /** What cannot be read is left out: the change is told all the same. */
  async function askFor(path: string, incoming: IncomingMessage) {
    const none: Asked = { status: 0, challenges: [], properties: new Map() };
    const asked = await ask(path, credentialsOf(incoming), [SYNC_TOKEN, PRINCIPAL]).catch(() => none);
    return { path: asked.path ?? path, token: syncTokenOf(asked.properties), principal: principalOf(asked) };
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

/**
 * `collections` are those whose members changed: a MOVE changes two; what ends with a slash is one itself, and making or
 * deleting it changes the one above. `whole` may be collections that were written as a whole, which some servers take by
 * PUT; `ended` may be ones that are not there any more: who shows them is told, and finds that out.
 */
function writtenBy(incoming: IncomingMessage): { collections: string[]; whole: string[]; ended: string[] } {
  const path = canonicalPath(incoming.url!), { method } = incoming, target = targetOf(incoming);
  if (method === "POST") return { collections: [path.endsWith("/") ? path : parentOf(path)], whole: [], ended: [] };
  const to = target === undefined ? [] : [target], from = method === "COPY" && target !== undefined ? [] : [path];
  return {
    collections: [...from, ...to].map(parentOf),
    whole: (method === "PUT" ? [path] : to).map(withSlash),
    ended: method === "DELETE" || method === "MOVE" ? [withSlash(path)] : [],
  };
}

const withSlash = (path: string) => path.endsWith("/") ? path : `${path}/`;

/** Only of who copies and moves: elsewhere servers do not look at it. */
function targetOf({ method, headers: { destination } }: IncomingMessage): string | undefined {
  const isUsed = (method === "COPY" || method === "MOVE") && typeof destination === "string";
  return isUsed ? canonicalPath(destination) : undefined;
}
