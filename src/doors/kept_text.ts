/** Text that is made once, and asked for again and again. */
import type { Handler } from "hono";
import { createHash } from "node:crypto";

export type KeptText = { body: string; headers: Record<string, string> };

/** Browsers keep it, and ask each time, since workers of two versions may answer. */
export function keepText(body: string, headers: Record<string, string>): KeptText {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { body, headers: { ...headers, etag, "cache-control": "no-cache", "x-content-type-options": "nosniff" } };
}

export const keptTextDoor = (find: () => KeptText | Promise<KeptText>): Handler => async (c) =>
  answer(c.req.header("if-none-match"), await find());

/** RFC 9110 13.1.2: a weak comparison, of any in the list. */
function answer(ifNoneMatch: string | undefined, { body, headers }: KeptText): Response {
  const { etag } = headers, { "content-type": _, ...rest } = headers;
  const had = (ifNoneMatch ?? "").split(",").map((each) => each.trim().replace(/^W\//, ""));
  return had.includes(etag!) || had.includes("*")
    ? new Response(null, { status: 304, headers: rest })
    : new Response(body, { headers });
}
