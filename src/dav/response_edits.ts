/** What must change in one response of a multistatus, so that it has properties of ours. */
import { isOk } from "./status.ts";

/** A resource as a multistatus names it; `types` are Clark names. */
export type Resource = { href: string; types: Set<string> };

/** Replaces what lies between two places. */
export type Edit = { start: number; end: number; text: string };

/** Places in the text: `inside` is behind the opening tag of `prop`, `close` before the closing one. */
export type Propstat = {
  start: number;
  end: number;
  status: string;
  prop?: { start: number; inside: number; isEmpty: boolean; close: number; tag: string };
  elements: { name: string; start: number; end: number }[];
};

export type Changes = {
  /** Properties of ours that the client asked for. */
  asked: Set<string>;
  /** Properties that the client did not ask for, which are taken out again. */
  hidden: Set<string>;
  /** What a resource has of ours: XML by name, with the namespaces that it needs. */
  propertiesOf: (resource: Resource) => Map<string, string>;
};

/** In the order of their places. */
export function editsOf(resource: Resource, propstats: Propstat[], changes: Changes): Edit[] {
  if (propstats.length === 0) return [];
  const given = giveTo(resource, propstats, changes);
  const isDropped = (name: string, has: boolean) => changes.hidden.has(name) || !has && given.has(name);
  const found = propstats.find(isFound);
  const edits = propstats.flatMap((propstat) => {
    const dropped = propstat.elements.filter(({ name }) => isDropped(name, isFound(propstat)));
    const isEmptied = dropped.length > 0 && dropped.length === propstat.elements.length;
    const isNeeded = propstat === found && given.size > 0 || given.size === 0 && propstats.length === 1;
    return isEmptied && !isNeeded ? [drop(propstat)] : dropped.map(drop);
  });
  if (given.size > 0) edits.push(add([...given.values()].join(""), found, propstats.at(-1)!.end));
  return edits.sort((a, b) => a.start - b.start);
}

const isFound = ({ status }: Propstat) => isOk(status);

/** What was asked for. A server that has one of them itself is left alone: half of each would be wrong. */
function giveTo(resource: Resource, propstats: Propstat[], { asked, propertiesOf }: Changes): Map<string, string> {
  const theirs = propstats.filter(isFound).flatMap(({ elements }) => elements.map(({ name }) => name));
  const ours = propertiesOf(resource);
  if (theirs.some((name) => ours.has(name))) return new Map();
  return new Map([...ours].filter(([name]) => asked.has(name)));
}

function drop({ start, end }: { start: number; end: number }): Edit {
  return { start, end, text: "" };
}

/** Into what was found, or, where that is nothing, into a propstat of its own. */
function add(xml: string, found: Propstat | undefined, behind: number): Edit {
  const prop = found?.prop;
  if (!prop) {
    const text = `<T:propstat xmlns:T="DAV:"><T:prop>${xml}</T:prop><T:status>HTTP/1.1 200 OK</T:status></T:propstat>`;
    return { start: behind, end: behind, text };
  }
  if (!prop.isEmpty) return { start: prop.close, end: prop.close, text: xml };
  const [, name] = /^<([^\s/>]+)/.exec(prop.tag)!;
  return { start: prop.start, end: prop.inside, text: `${prop.tag.replace(/\s*\/>$/, ">")}${xml}</${name}>` };
}
