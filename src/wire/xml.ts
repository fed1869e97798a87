/** Small documents of XML as a tree: names in Clark's notation, neither document types nor entities of their own. */
import { SaxesParser } from "saxes";

/** `name` is `{namespace}local`, `attributes` are by their local names. */
export type XmlNode = { name: string; attributes: Record<string, string>; text: string; children: XmlNode[] };

/** What is wrong with a document. */
export class XmlFault extends Error {}

/** Clients and servers nest a handful of elements. */
const MAX_DEPTH = 32;

/** Reads a document; answers its root. Throws `XmlFault`. */
export function parseXml(text: string): XmlNode {
  const parser = new SaxesParser({ xmlns: true });
  const top: XmlNode = { name: "", attributes: {}, text: "", children: [] };
  const open = [top];
  const more = (text: string) => void (open.at(-1)!.text += text);
  parser.on("error", () => {
    throw new XmlFault("it is no well-formed XML");
  });
  parser.on("doctype", () => {
    throw new XmlFault("it has a document type");
  });
  parser.on("text", more);
  parser.on("cdata", more);
  parser.on("opentag", ({ uri, local, attributes }) => {
    if (open.length > MAX_DEPTH) throw new XmlFault("it is nested too deep");
    const values = Object.values(attributes).map(({ local, value }) => [local, value]);
    const node = { name: `{${uri}}${local}`, attributes: Object.fromEntries(values), text: "", children: [] };
    open.at(-1)!.children.push(node);
    open.push(node);
  });
  parser.on("closetag", () => void open.pop());
  parser.write(text).close();
  return top.children[0]!;
}

/** The first child of a name. */
export function childOf(node: XmlNode | undefined, name: string): XmlNode | undefined {
  return node?.children.find((child) => child.name === name);
}

/** XML 1.0 2.4; what no document can hold is left out. */
export function escapeXml(text: string): string {
  // deno-lint-ignore no-control-regex
  const legal = text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
  return legal.replace(/[<>&"]/g, (character) => ESCAPES[character]!);
}

const ESCAPES: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
