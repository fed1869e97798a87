/**
 * XML 1.0 with its namespaces, as far as the answers of a DAV server need it: strict, bounded, and without a DTD, so that
 * nobody can define an entity. There is no DOMParser in Node, in Deno and in workers.
 */
import {
  ATTRIBUTE,
  declare,
  expand,
  NAME,
  nameAll,
  PART,
  PREFIXES,
  readAttributes,
  S,
  type Scope,
} from "./xml_names.ts";
import { malformed, normalise, readText } from "./xml_text.ts";

/** Names are Clark names, `{namespace}local`. `text` is that of the element itself. */
export type XmlNode = { name: string; attributes: Map<string, string>; text: string; children: XmlNode[] };

/** Elements that may stand in each other, and in a document: a home of ten thousand collections has fewer. */
const MAX_DEPTH = 64, MAX_ELEMENTS = 200_000;

const ENCODING = `"[A-Za-z][\\w.\\-]*"|'[A-Za-z][\\w.\\-]*'`;
const DECLARATION = new RegExp(
  `^<\\?xml${S}+version${S}*=${S}*(["'])1\\.\\d+\\1` +
    `(?:${S}+encoding${S}*=${S}*(?:${ENCODING}))?(?:${S}+standalone${S}*=${S}*(?:"(?:yes|no)"|'(?:yes|no)'))?${S}*\\?>`,
);
const OPEN = new RegExp(`<(${NAME})((?:${ATTRIBUTE})*)${S}*(/?)>`, "uy");
const CLOSE = new RegExp(`</(${NAME})${S}*>`, "uy");
const TARGET = new RegExp(`^(?!xml(?:${S}|$))${PART}(?:${S}|$)`, "iu");

/** What is open: its name as it was written, and the namespaces by prefix. */
type Frame = { node: XmlNode; written: string; scope: Scope };

/** The root of a document. Throws `malformed` for what is not well-formed, has a DTD, or is larger than it may be. */
export function parseXml(document: string): XmlNode {
  const text = normalise(document), top: XmlNode = { name: "", attributes: new Map(), text: "", children: [] };
  const frames: Frame[] = [{ node: top, written: "", scope: PREFIXES }];
  let at = DECLARATION.exec(text)?.[0].length ?? 0, elements = 0;

  /** What stands between the place and an end, which is left behind. */
  function upTo(begin: string, end: string): string {
    const until = text.indexOf(end, at + begin.length);
    if (until < 0) throw malformed("something in it has no end");
    const inside = text.slice(at + begin.length, until);
    at = until + end.length;
    return inside;
  }

  function take(token: RegExp): RegExpExecArray {
    token.lastIndex = at;
    const found = token.exec(text);
    if (!found) throw malformed("a tag is none, or it has a DTD");
    at += found[0].length;
    return found;
  }

  function step(): void {
    const next = text.indexOf("<", at), end = next < 0 ? text.length : next;
    if (end > at) addText(frames, readText(text.slice(at, end)));
    at = end;
    if (at === text.length) return;
    if (text.startsWith("</", at)) close(frames, take(CLOSE)[1]!);
    else if (text.startsWith("<!--", at)) checkComment(upTo("<!--", "-->"));
    else if (text.startsWith("<![CDATA[", at)) addData(frames, upTo("<![CDATA[", "]]>"));
    else if (text.startsWith("<?", at)) checkTarget(upTo("<?", "?>"));
    else if (++elements > MAX_ELEMENTS) throw malformed("it has too many elements");
    else open(frames, take(OPEN));
  }

  while (at < text.length) step();
  if (frames.length > 1 || top.children.length !== 1) throw malformed("it has not one root that ends");
  return top.children[0]!;
}

function addText(frames: Frame[], text: string): void {
  if (frames.length > 1) frames.at(-1)!.node.text += text;
  else if (/[^ \t\n]/.test(text)) throw malformed("there is text beside its root");
}

function addData(frames: Frame[], text: string): void {
  if (frames.length === 1) throw malformed("there is text beside its root");
  frames.at(-1)!.node.text += text;
}

/** XML 1.0 2.5. */
function checkComment(text: string): void {
  if (text.includes("--") || text.endsWith("-")) throw malformed("a comment has dashes in it");
}

/** XML 1.0 2.6. */
function checkTarget(text: string): void {
  if (!TARGET.test(text)) throw malformed("a processing instruction has no name of its own");
}

function open(frames: Frame[], [, written, attributes, , , isEmpty]: RegExpExecArray): void {
  const { node: parent, scope: outer } = frames.at(-1)!;
  if (frames.length === 1 && parent.children.length > 0) throw malformed("it has two roots");
  if (frames.length > MAX_DEPTH) throw malformed("its elements are nested too deep");
  const pairs = readAttributes(attributes!), scope = declare(pairs, outer);
  const node = { name: expand(written!, scope, true), attributes: nameAll(pairs, scope), text: "", children: [] };
  parent.children.push(node);
  if (isEmpty !== "/") frames.push({ node, written: written!, scope });
}

function close(frames: Frame[], written: string): void {
  if (frames.length === 1 || frames.pop()!.written !== written) throw malformed("an element ends that was not open");
}

/** The children of a name. */
export function childrenOf(node: XmlNode | undefined, name: string): XmlNode[] {
  return node?.children.filter((child) => child.name === name) ?? [];
}

/** What is found by going from a node to the first child of each name. */
export function find(node: XmlNode | undefined, ...names: string[]): XmlNode | undefined {
  return names.reduce<XmlNode | undefined>((found, name) => childrenOf(found, name)[0], node);
}
