/** `/-/openapi.json` and `/-/docs`: made at the first request, since few ever ask, and then kept. */
import type { Handler } from "hono";
import { createHash } from "node:crypto";
import type { Route } from "./openapi/document.ts";
import type { SetLimits } from "./openapi/limits.ts";

type Page = { body: string; headers: Record<string, string> };

/** What is made, once it was asked for. */
export type Reference = () => Promise<{ document: Page; docs: Page }>;

/** `routes` is asked once all are mounted. */
export function createReference(url: string, routes: () => Route[], limits: SetLimits): Reference {
  let made: ReturnType<Reference> | undefined;
  return () => made ??= make();

  async function make() {
    const [{ describe }, { printDocs }] = await Promise.all([
      import("./openapi/document.ts"),
      import("./openapi/page.ts"),
    ]);
    const described = describe(url, routes(), limits), { html, policy } = printDocs(described);
    return {
      document: pageOf(JSON.stringify(described), { "content-type": "application/json" }),
      docs: pageOf(html, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy }),
    };
  }
}

function pageOf(body: string, headers: Record<string, string>): Page {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { body, headers: { ...headers, etag, "cache-control": "no-cache", "x-content-type-options": "nosniff" } };
}

export const openapiDoor = (reference: Reference): Handler => async (c) =>
  answer(c.req.header("if-none-match"), (await reference()).document);

export const docsDoor = (reference: Reference): Handler => async (c) =>
  answer(c.req.header("if-none-match"), (await reference()).docs);

/** RFC 9110 13.1.2: a weak comparison, of any in the list. */
function answer(ifNoneMatch: string | undefined, { body, headers }: Page): Response {
  const { etag } = headers, { "content-type": _, ...rest } = headers;
  const had = (ifNoneMatch ?? "").split(",").map((each) => each.trim().replace(/^W\//, ""));
  return had.includes(etag!) || had.includes("*")
    ? new Response(null, { status: 304, headers: rest })
    : new Response(body, { headers });
}
