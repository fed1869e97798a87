/** The document as a page to read: HTML alone, no script, nothing from elsewhere. */
import { html, raw } from "hono/html";
import { createHash } from "node:crypto";
import type { OpenApi } from "./document.ts";
import { printOperation, printText, type Shown } from "./page_operation.ts";
import { STYLE } from "./style.ts";

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `policy`: the Content-Security-Policy under which it works. */
export function printDocs(document: OpenApi): { html: string; policy: string } {
  const shown = operationsOf(document), tags = [...new Set(shown.map(({ operation }) => operation.tags[0]!))];
  const { title, version, description } = document.info;
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title} ${version}: reference</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#main">To the operations</a>
        <header>
          <h1>${title} ${version}</h1>
          <p>${printText(description ?? "")}</p>
          <p>At <code>${document.servers![0]!.url}</code>; the same as <a href="openapi.json">OpenAPI ${document
            .openapi}</a>.</p>
        </header>
        <nav aria-label="Operations">
          <ul>${shown.map(printLink)}</ul>
        </nav>
        <main id="main">
    ${tags.map((tag) => printTag(tag, shown))}
    ${printSection("Tokens", Object.entries(document.components?.securitySchemes ?? {}), printScheme)}
    ${printSection("Limits", Object.entries(document.info["x-limits"]), printLimit)}
    ${printSection("Schemas", Object.entries(document.components?.schemas ?? {}), printSchema)}
        </main>
      </body>
    </html>
  `;
  return { html: `${page}`, policy: POLICY };
}

function operationsOf({ paths }: OpenApi): Shown[] {
  return Object.entries(paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Shown["operation"]>).map(([method, operation]) => ({
      path,
      method: method.replace(/^x-/, "").toUpperCase(),
      operation,
    }))
  );
}

const printLink = ({ method, path, operation }: Shown) =>
  html`<li><a href="#${operation.operationId}">${operation.summary}</a><br><code>${method} ${path}</code></li>`;

const printTag = (tag: string, shown: Shown[]) =>
  html`<section aria-label="${tag}"><h2>${tag}</h2>${
    shown.filter(({ operation }) => operation.tags[0] === tag).map(printOperation)
  }</section>`;

const printSection = (title: string, entries: [string, unknown][], print: (name: string, value: never) => unknown) =>
  html`<section aria-label="${title}"><h2>${title}</h2>${
    entries.map(([name, value]) => print(name, value as never))
  }</section>`;

const printScheme = (name: string, { description, type }: { description: string; type: string }) =>
  html`<p><code>${name}</code> (${type}): ${description}</p>`;

const printLimit = (name: string, value: number) => html`<p><code>${name}</code>: ${value.toLocaleString("en")}</p>`;

const printSchema = (name: string, schema: unknown) =>
  html`
    <h3 id="schema-${name}">${name}</h3>
    <pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre>
  `;
