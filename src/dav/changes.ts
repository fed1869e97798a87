/** Changes of collections, as the journal takes them: of a collection itself, and of those above it at their depth. */
import { type Change, DEFAULT_PRIORITY } from "../model/change.ts";
import { parentOf } from "./paths.ts";
import { topicOf } from "./register.ts";

/** `origin` is the public one of the DAV door; `except` need not be told. */
export type How = { origin: string; timestamp: number; except: string[] };

/** Members of collections changed, each with the token after it; `ended` collections are not there any more. */
export function contentChanges(found: { path: string; token?: string }[], ended: string[], how: How): Change[] {
  const above = new Set(found.flatMap(({ path }) => ancestorsOf(path)));
  return [
    ...found.map(({ path, token }) => contentChange(path, "1", how, token)),
    ...ended.map((path) => contentChange(path, "0", how)),
    ...above.values().map((path) => contentChange(path, "infinity", how)),
  ];
}

/** The properties of a resource changed. */
export function propertyChanges(path: string, how: How): Change[] {
  const [parent, ...above] = ancestorsOf(path);
  return [
    propertyChange(path, "0", how),
    ...(parent === undefined ? [] : [propertyChange(parent, "1", how)]),
    ...above.map((path) => propertyChange(path, "infinity", how)),
  ];
}

function contentChange(path: string, depth: "0" | "1" | "infinity", how: How, syncToken?: string): Change {
  const content = { depth, except: how.except, ...(syncToken !== undefined && { syncToken }) };
  return { ...change(path, how), content };
}

function propertyChange(path: string, depth: "0" | "1" | "infinity", how: How): Change {
  return { ...change(path, how), property: { depth, props: [], except: how.except } };
}

function change(path: string, { origin, timestamp }: How) {
  return { topics: [topicOf(origin, path)], private: true, priority: DEFAULT_PRIORITY, timestamp };
}

/** Servers hold collections a handful deep; whoever writes below says how deep that is. */
const MAX_DEPTH = 32;

/** The nearest first. */
function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let above = parentOf(path); above !== path && ancestors.length < MAX_DEPTH; above = parentOf(path)) {
    ancestors.push(path = above);
  }
  return ancestors;
}
