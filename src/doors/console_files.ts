/** What the console's pages are made of besides: script, style and icon. They say nothing of this worker. */
import type { Handler } from "hono";
import { keepText, keptTextDoor } from "./kept_text.ts";

const FOLDER = new URL("../console/static/", import.meta.url);

const TYPES = {
  "console.css": "text/css; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

type Name = keyof typeof TYPES;

export const CONSOLE_FILES = Object.keys(TYPES) as Name[];

/** Read at the start: later there may be no descriptor left for it. */
export function consoleFileDoor(name: Name): Handler {
  const text = keepText(Deno.readTextFileSync(new URL(name, FOLDER)), { "content-type": TYPES[name] });
  return keptTextDoor(() => text);
}
