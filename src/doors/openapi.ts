/** `/-/openapi.json` and `/-/docs`: made at the first request, since few ever ask, and then kept. */
import type { Route } from "./openapi/document.ts";
import type { SetLimits } from "./openapi/limits.ts";
import { keepText, type KeptText, keptTextDoor } from "./kept_text.ts";

/** What is made, once it was asked for. */
export type Reference = () => Promise<{ document: KeptText; docs: KeptText }>;

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
      document: keepText(JSON.stringify(described), { "content-type": "application/json" }),
      docs: keepText(html, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy }),
    };
  }
}

export const openapiDoor = (reference: Reference) => keptTextDoor(async () => (await reference()).document);

export const docsDoor = (reference: Reference) => keptTextDoor(async () => (await reference()).docs);
