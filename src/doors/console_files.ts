/** What the console's pages are made of besides: script, style and icon. They say nothing of this worker. */
import type { Handler } from "hono";
import { CarillonError } from "../errors.ts";

const FOLDER = new URL("../console/static/", import.meta.url);

const TYPES: Record<string, string> = {
  "console.css": "text/css; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** They are read once; browsers ask each time whether they have changed, since workers of two versions may answer. */
export function consoleFileDoor(): Handler {
  const texts = new Map<string, Promise<string>>();
  return async (c) => {
    const name = c.req.param("file")!, type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (type === undefined) throw new CarillonError("not_found", "the console has no such file");
    const text = texts.get(name) ?? Deno.readTextFile(new URL(name, FOLDER));
    texts.set(name, text);
    return c.body(await text, 200, { "content-type": type, "cache-control": "no-cache" });
  };
}
