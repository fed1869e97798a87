/** What a client's writing changed: each 2xx of a method that writes is a change of the collection that it wrote to. */
import type { IncomingMessage } from "node:http";
import type { Subscriptions } from "../broker/subscriptions.ts";
import { type Change, DEFAULT_PRIORITY } from "../model/change.ts";
import { type Ask, credentialsOf } from "./ask.ts";
import { readDontNotify } from "./dont_notify.ts";
import { PRINCIPAL, SYNC_TOKEN } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";
import { principalOf, topicOf } from "./register.ts";

const MEMBERS = new Set(["PUT", "DELETE", "POST", "MOVE", "COPY", "MKCOL", "MKCALENDAR", "PATCH"]);
const PROPERTIES = new Set(["PROPPATCH", "ACL"]);

type Deps = {
  ask: Ask;
  origin: string;
  subscriptions: Pick<Subscriptions, "get" | "list">;
  publish: (changes: Change[]) => Promise<unknown>;
  now: () => number;
};

/** Called with each request that the upstream answered, and the status. Rejects when a change could not be published. */
export function createObserve({ ask, origin, subscriptions, publish, now }: Deps) {
  return async (incoming: IncomingMessage, status: number): Promise<void> => {
    const { method = "" } = incoming;
    if (status < 200 || status > 299 || !MEMBERS.has(method) && !PROPERTIES.has(method)) return;
    const paths = PROPERTIES.has(method) ? [canonicalPath(incoming.url!)] : collectionsOf(incoming);
    const asked = await Promise.all(paths.map((path) => askFor(path, incoming)));
    const except = await readExcept(incoming, asked[0]!.principal);
    await publish(PROPERTIES.has(method) ? [propertyChange(paths[0]!, except)] : contentChanges(asked, except));
  };

  /** Each collection with the token after the write, and those above. */
  function contentChanges(asked: { path: string; token: string | undefined }[], except: string[]): Change[] {
    const above = new Set(asked.flatMap(({ path }) => ancestorsOf(path)));
    return [
      ...asked.map(({ path, token }) => contentChange(path, "1", except, token)),
      ...[...above].map((path) => contentChange(path, "infinity", except)),
    ];
  }

  /** What cannot be read is left out: the change is told all the same. */
  async function askFor(path: string, incoming: IncomingMessage) {
    try {
      const asked = await ask(path, credentialsOf(incoming), [SYNC_TOKEN, PRINCIPAL]);
      const token = asked.properties.get(SYNC_TOKEN)?.text.trim() || undefined;
      return { path, token, principal: principalOf(asked) };
    } catch {
      return { path, token: undefined, principal: undefined };
    }
  }

  async function readExcept({ headers }: IncomingMessage, principal: string | undefined): Promise<string[]> {
    const field = headers["push-dont-notify"];
    return await readDontNotify(Array.isArray(field) ? field.join() : field, principal, { subscriptions, origin });
  }

  function contentChange(path: string, depth: "1" | "infinity", except: string[], syncToken?: string): Change {
    return { ...change(path), content: { depth, except, ...(syncToken !== undefined && { syncToken }) } };
  }

  function propertyChange(path: string, except: string[]): Change {
    return { ...change(path), property: { depth: "0", props: [], except } };
  }

  function change(path: string) {
    return { topics: [topicOf(origin, path)], private: true, priority: DEFAULT_PRIORITY, timestamp: now() };
  }
}

/** A MOVE changes two. What ends with a slash is a collection: making or deleting it changes the one above. */
function collectionsOf({ url = "/", method, headers }: IncomingMessage): string[] {
  const path = canonicalPath(url);
  if (method === "POST") return [path.endsWith("/") ? path : parentOf(path)];
  const target = typeof headers.destination === "string" ? canonicalPath(headers.destination) : undefined;
  const paths = method === "COPY" && target ? [target] : [path, ...(target ? [target] : [])];
  return [...new Set(paths.map(parentOf))];
}

function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let above = parentOf(path); above !== path; [path, above] = [above, parentOf(above)]) ancestors.push(above);
  return ancestors;
}
