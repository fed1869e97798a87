/** What a client's writing changed: each 2xx of a method that writes is a change of the collection that it wrote to. */
import type { IncomingMessage } from "node:http";
import type { Change } from "../model/change.ts";
import { DEFAULT_PRIORITY } from "../model/change.ts";
import { type Ask, credentialsOf } from "./ask.ts";
import { SYNC_TOKEN } from "./names.ts";
import { canonicalPath, parentOf } from "./paths.ts";
import { topicOf } from "./register.ts";

const MEMBERS = new Set(["PUT", "DELETE", "POST", "MOVE", "COPY", "MKCOL", "MKCALENDAR", "PATCH"]);
const PROPERTIES = new Set(["PROPPATCH", "ACL"]);

type Deps = {
  ask: Ask;
  origin: string;
  publish: (changes: Change[]) => Promise<unknown>;
  now: () => number;
};

/** Called with each request that the upstream answered, and the status. Never throws. */
export function createObserve({ ask, origin, publish, now }: Deps) {
  return async (incoming: IncomingMessage, status: number): Promise<void> => {
    const { method = "" } = incoming;
    if (status < 200 || status > 299 || !MEMBERS.has(method) && !PROPERTIES.has(method)) return;
    const changes = PROPERTIES.has(method)
      ? [propertyChange(canonicalPath(incoming.url!))]
      : await contentChanges(incoming);
    await publish(changes);
  };

  async function contentChanges(incoming: IncomingMessage): Promise<Change[]> {
    const changes = await Promise.all(
      collectionsOf(incoming).map(async (path) => {
        const syncToken = await readToken(path, incoming);
        return contentChange(path, "1", syncToken);
      }),
    );
    const above = new Set(changes.flatMap(({ topics: [topic] }) => ancestorsOf(topic!.slice(origin.length))));
    return [...changes, ...[...above].map((path) => contentChange(path, "infinity", undefined))];
  }

  /** A client that may write knows a token of its own; one that cannot be read is left out. */
  async function readToken(path: string, incoming: IncomingMessage): Promise<string | undefined> {
    try {
      const { properties } = await ask(path, credentialsOf(incoming), [SYNC_TOKEN]);
      return properties.get(SYNC_TOKEN)?.text.trim() || undefined;
    } catch {
      return undefined;
    }
  }

  function contentChange(path: string, depth: "1" | "infinity", syncToken: string | undefined): Change {
    return { ...change(path), content: { depth, except: [], ...(syncToken !== undefined && { syncToken }) } };
  }

  function propertyChange(path: string): Change {
    return { ...change(path), property: { depth: "0", props: [], except: [] } };
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
