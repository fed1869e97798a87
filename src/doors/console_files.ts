/** What the console's pages are made of besides: script, style and icon. They say nothing of this worker. */
import type { Handler } from "hono";

const FOLDER = new URL("../console/static/", import.meta.url);

const TYPES = {
  "console.css": "text/css; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

type Name = keyof typeof TYPES;

export const CONSOLE_FILES = Object.keys(TYPES) as Name[];

/**
 * Read at the start: later there may be no descriptor left for it. Browsers ask each time whether it has changed, since
 * workers of two versions may answer.
 */
export function consoleFileDoor(name: Name): Handler {
  const text = Deno.readTextFileSync(new URL(name, FOLDER));
  const headers = { "content-type": TYPES[name], "cache-control": "no-cache" };
  return (c) => c.body(text, 200, headers);
}
