/** One operation on the page. */
import { html } from "hono/html";

type Media = { schema: unknown; example?: unknown; examples?: Record<string, { summary: string; value: unknown }> };
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema: unknown };
type Answer = { description: string; headers?: Record<string, unknown>; content?: Record<string, Media> };

export type Shown = {
  method: string;
  path: string;
  operation: {
    operationId: string;
    tags: string[];
    summary: string;
    description?: string;
    security: Record<string, unknown>[];
    parameters?: Parameter[];
    requestBody?: { description?: string; content: Record<string, Media> };
    responses: Record<string, Answer>;
  };
};

export function printOperation({ method, path, operation }: Shown) {
  const { operationId, summary, description = "", security, parameters = [], requestBody, responses } = operation;
  return html`<article id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><b>${method}</b> <code>${path}</code><br>${summary}</h3>
<p>${printText(description)}</p>
<p>Token: ${printSecurity(security)}</p>
${parameters.length > 0 ? printParameters(summary, parameters) : ""}
${Object.entries(requestBody?.content ?? {}).map(([type, media]) => printBody(type, media))}
${printTable("Answers", summary, ["Status", "What it means", "Type"], Object.entries(responses).map(rowOf))}
${Object.entries(responses).flatMap(([status, answer]) => printAnswerBodies(status, answer))}
</article>`;
}

/** `{}` stands for none. */
function printSecurity(security: Record<string, unknown>[]): string {
  return security.map((scheme) => Object.keys(scheme)[0] ?? "none").join(", or ") || "none";
}

function printParameters(summary: string, parameters: Parameter[]) {
  const rows = parameters.map(({ name, in: where, required, description = "", schema }) => [
    name,
    required ? `${where}, required` : where,
    description,
    JSON.stringify(schema),
  ]);
  return printTable("Parameters", summary, ["Name", "In", "What it means", "Schema"], rows);
}

const rowOf = ([status, { description, content = {} }]: [string, Answer]) => [
  status,
  description,
  Object.keys(content).join(", "),
];

/** Regions are told apart by `of`: there is a list of them. */
const printTable = (title: string, of: string, heads: string[], rows: string[][]) =>
  html`
    <div class="wide" tabindex="0" role="region" aria-label="${title}: ${of}">
      <table>
        <caption>${title}</caption>
        <thead>
          <tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr>
        </thead>
        <tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${printText(cell)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>
  `;

function printBody(type: string, { schema, example, examples = {} }: Media) {
  const shown = example === undefined ? Object.values(examples) : [{ summary: "Example", value: example }];
  return html`<p>Body: <code>${type}</code></p>
${shown.map(({ summary, value }) => html`<p>${summary}</p>${printJson(value)}`)}
<details><summary>Schema of the body</summary>${printSchema(schema)}</details>`;
}

/** Problems are all alike. */
const printAnswerBodies = (status: string, { content = {} }: Answer) =>
  Object.entries(content).filter(([type]) => type !== "application/problem+json").map(([type, { schema }]) =>
    html`<details><summary>Schema of ${status}, <code>${type}</code></summary>${printSchema(schema)}</details>`
  );

/** What stands between backticks is code (CommonMark 6.1). */
export const printText = (text: string) =>
  text.split("`").map((part, index) => index % 2 === 0 ? part : html`<code>${part}</code>`);

/** One that has a name stands once, at the end. */
function printSchema(schema: unknown) {
  const [, name] = /^\{"\$ref":"#\/components\/schemas\/(\w+)"\}$/.exec(JSON.stringify(schema)) ?? [];
  return name === undefined ? printJson(schema) : html`<p><a href="#schema-${name}">${name}</a></p>`;
}

const printJson = (value: unknown) => html`<pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
