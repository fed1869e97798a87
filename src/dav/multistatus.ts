/**
 * Putting properties of ours into a multistatus that passes by (RFC 4918 14.16). Whatever is not touched keeps its bytes;
 * one response at a time is held. What is not understood passes as it is: a server that works must not be made worse.
 */
import { SaxesParser } from "saxes";
import { clark, RESOURCE_TYPE } from "./names.ts";
import { type Changes, type Edit, editsOf, type Propstat } from "./response_edits.ts";

/** Each element costs as many steps as it lies deep. */
const MAX_DEPTH = 100;

/** Characters of a tag. */
const MAX_TAG = 64 * 1024;

/** Characters of one response that are held; a longer one passes as it is. */
const MAX_HELD = 1024 * 1024;

export type Rewriter = {
  /** Takes in text, and answers what may go on. */
  write: (text: string) => string;
  /** Answers what was held. */
  end: () => string;
  /** True when the text could not be read to its end, so that the rest passes as it is. */
  hasFailed: () => boolean;
};

/** A response that is read: `start` is where in the text it begins. */
type Response = { start: number; hrefs: string[]; types: Set<string>; propstats: Propstat[] };

export function createRewriter(changes: Changes): Rewriter {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const path: string[] = [];
  let held = "", base = 0, out = "", text = "";
  let response: Response | undefined, propstat: Propstat | undefined;
  let failed = false;
  // What is held may be long: the rest of this response passes.
  let isSkipped = false;

  parser.on("doctype", () => void (failed = true));
  parser.on("error", () => void (failed = true));
  parser.on("text", (more) => void (text += more));
  parser.on("cdata", (more) => void (text += more));
  parser.on("opentag", ({ uri, local, isSelfClosing }) => {
    if (failed) return;
    if (path.push(clark(uri, local)) > MAX_DEPTH) throw new Error("nested too deep");
    text = "";
    opened(path.length, path.at(-1)!, isSelfClosing);
  });
  parser.on("closetag", () => {
    if (failed) return;
    closed(path.length, path.at(-1)!);
    path.pop();
  });

  /** Where the tag begins that was read just now: no `<` can be inside of it. */
  const tagStart = () => base + held.lastIndexOf("<", parser.position - base - 1);

  function opened(depth: number, name: string, isEmpty: boolean): void {
    const end = parser.position;
    if (depth === 2 && name === "{DAV:}response" && path[0] === "{DAV:}multistatus") {
      response = { start: tagStart(), hrefs: [], types: new Set(), propstats: [] };
    } else if (!response) return;
    else if (depth === 3 && name === "{DAV:}propstat") {
      propstat = { start: tagStart(), end: 0, status: "", elements: [] };
    } else if (!propstat) return;
    else if (depth === 4 && name === "{DAV:}prop") {
      propstat.prop = {
        start: tagStart(),
        inside: end,
        isEmpty,
        close: 0,
        tag: held.slice(tagStart() - base, end - base),
      };
    } else if (depth === 5 && path[3] === "{DAV:}prop") propstat.elements.push({ name, start: tagStart(), end: 0 });
    else if (depth === 6 && path[4] === RESOURCE_TYPE) response.types.add(name);
  }

  function closed(depth: number, name: string): void {
    if (!response) return;
    const end = parser.position;
    if (depth === 3 && name === "{DAV:}href") response.hrefs.push(text.trim());
    if (depth === 4 && name === "{DAV:}status" && propstat) propstat.status = text.trim();
    if (depth === 4 && name === "{DAV:}prop" && propstat?.prop) propstat.prop.close = tagStart();
    if (depth === 5 && path[3] === "{DAV:}prop" && propstat) propstat.elements.at(-1)!.end = end;
    if (depth === 3 && name === "{DAV:}propstat" && propstat) {
      response.propstats.push({ ...propstat, end });
      propstat = undefined;
    }
    if (depth === 2) finish(response, end);
  }

  function finish({ start, hrefs, types, propstats }: Response, end: number): void {
    const isWhole = !isSkipped && hrefs.length === 1;
    const edits = isWhole ? editsOf({ href: hrefs[0]!, types }, propstats, changes) : [];
    const from = Math.max(start, base);
    out += held.slice(0, from - base) + apply(held.slice(from - base, end - base), from, edits);
    [held, base] = [held.slice(end - base), end];
    [response, isSkipped] = [undefined, false];
  }

  function write(more: string): string {
    if (failed) return more;
    held += more;
    parse(more);
    if (failed) return flush();
    if (response && held.length > MAX_HELD) isSkipped = true;
    if (!response || isSkipped) pass(passable());
    return take();
  }

  function parse(more: string): void {
    try {
      parser.write(more);
    } catch {
      failed = true;
    }
  }

  /** Up to a tag that may not be all there; no tag is as long as a text may be. */
  function passable(): number {
    const at = held.lastIndexOf("<");
    return at < 0 || held.length - at > MAX_TAG ? held.length : at;
  }

  /** Lets go what comes before the tag that may still be read. */
  function pass(length: number): void {
    out += held.slice(0, length);
    [held, base] = [held.slice(length), base + length];
  }

  function take(): string {
    const taken = out;
    out = "";
    return taken;
  }

  function flush(): string {
    pass(held.length);
    return take();
  }

  function end(): string {
    // A document that stops in the middle.
    if (path.length > 0) failed = true;
    return flush();
  }

  return { write, end, hasFailed: () => failed };
}

/** Edits are in the order of their places, which do not overlap. */
function apply(text: string, offset: number, edits: Edit[]): string {
  let result = "", at = 0;
  for (const { start, end, text: inserted } of edits) {
    result += text.slice(at, start - offset) + inserted;
    at = end - offset;
  }
  return result + text.slice(at);
}
