/** Names of XML and what they mean by its namespaces (Namespaces in XML 1.0). */
import { malformed, readText } from "./xml_text.ts";

/** XML 1.0 2.3, without the colon, which parts a name in two. */
const START = "A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F" +
  "\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}";
export const PART = `[${START}][${START}\\-.0-9\\xB7\\u0300-\\u036F\\u203F\\u2040]*`;

export const NAME = `${PART}(?::${PART})?`, S = "[ \\t\\n]";
export const ATTRIBUTE = `${S}+(${NAME})${S}*=${S}*("[^<"]*"|'[^<']*')`;

/** Attributes of one element. */
const MAX_ATTRIBUTES = 100;

/** Namespaces by prefix; the default one has none. */
export type Scope = ReadonlyMap<string, string>;

const XML = "http://www.w3.org/XML/1998/namespace", XMLNS = "http://www.w3.org/2000/xmlns/";

export const PREFIXES: Scope = new Map([["", ""], ["xml", XML]]);

/** What stands in a tag behind its name: names as they were written, and values. */
export function readAttributes(text: string): [string, string][] {
  const found = [...text.matchAll(new RegExp(ATTRIBUTE, "gu"))];
  if (found.length > MAX_ATTRIBUTES) throw malformed("an element has too many attributes");
  // XML 1.0 3.3.3: white space is a space, where it is not written as a reference.
  return found.map(([, name, value]) => [name!, readText(value!.slice(1, -1).replace(/[\t\n]/g, " "), true)]);
}

/** The scope within an element. */
export function declare(pairs: [string, string][], outer: Scope): Scope {
  const declared = pairs.filter(isDeclaration);
  if (declared.length === 0) return outer;
  const scope = new Map(outer);
  for (const [name, uri] of declared) {
    const prefix = name === "xmlns" ? "" : name.slice("xmlns:".length);
    if (isForbidden(prefix, uri)) throw malformed("it declares a namespace that is none");
    scope.set(prefix, uri);
  }
  return scope;
}

/** Namespaces in XML 1.0, 3 and 5. */
function isForbidden(prefix: string, uri: string): boolean {
  return prefix === "xmlns" || uri === XMLNS || (prefix !== "" && uri === "") || (prefix === "xml") !== (uri === XML);
}

const isDeclaration = ([name]: [string, string]) => name === "xmlns" || name.startsWith("xmlns:");

/** The attributes that declare nothing, by their Clark names. */
export function nameAll(pairs: [string, string][], scope: Scope): Map<string, string> {
  const attributes = pairs.filter((pair) => !isDeclaration(pair));
  const named = new Map(attributes.map(([name, value]) => [expand(name, scope, false), value]));
  const isOnce = new Set(pairs.map(([name]) => name)).size === pairs.length;
  if (!isOnce || named.size < attributes.length) throw malformed("an attribute stands there twice");
  return named;
}

/** A Clark name. An element without a prefix has the default namespace, an attribute none. */
export function expand(written: string, scope: Scope, isElement: boolean): string {
  const colon = written.indexOf(":");
  if (colon < 0 && !isElement) return written;
  const uri = scope.get(colon < 0 ? "" : written.slice(0, colon)), local = written.slice(colon + 1);
  if (uri === undefined) throw malformed("a prefix was not declared");
  return uri === "" ? local : `{${uri}}${local}`;
}
