/** What a PROPFIND asks for (RFC 4918 14.20). */
import { Buffer } from "node:buffer";
import { SaxesParser } from "saxes";
import { clark, printEmpty } from "./names.ts";

/** `asked` are Clark names. `at` is where in the text more names may be put in. */
export type Propfind = { asked: Set<string>; text: string; at: number };

/** Each element costs as many steps as it lies deep. */
const MAX_DEPTH = 32;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Whether names of ours can be in a request; without their namespace, or a reference that may stand for it, they are not. */
export function mayNameOurs(body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return bytes.includes("dav-push") || bytes.includes("&");
}

/** Reads a request that names properties; undefined for `allprop`, `propname`, and for what is none that we understand. */
export function readPropfind(body: Uint8Array): Propfind | undefined {
  try {
    return parse(decoder.decode(body));
  } catch {
    return undefined; // the upstream knows better what it makes of it
  }
}

function parse(text: string): Propfind | undefined {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const path: string[] = [], asked = new Set<string>();
  let at: number | undefined;
  parser.on("doctype", () => parser.fail("a document type"));
  parser.on("error", (fault) => {
    throw fault;
  });
  parser.on("opentag", ({ uri, local, isSelfClosing }) => {
    path.push(clark(uri, local));
    if (path.length > MAX_DEPTH) parser.fail("nested too deep");
    if (path.length === 3 && path[1] === "{DAV:}prop") asked.add(path[2]!);
    if (path.length === 2 && path[0] === "{DAV:}propfind" && path[1] === "{DAV:}prop" && !isSelfClosing) {
      at = parser.position;
    }
  });
  parser.on("closetag", () => void path.pop());
  parser.write(text).close();
  return at === undefined ? undefined : { asked, text, at };
}

/** The same request, for some more properties. */
export function askForMore({ text, at }: Propfind, names: string[]): Uint8Array {
  return encoder.encode(text.slice(0, at) + names.map(printEmpty).join("") + text.slice(at));
}
