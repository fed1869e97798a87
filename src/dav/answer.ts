/** What we answer a DAV client ourselves. */
import { CarillonError } from "../errors.ts";
import type { Asked } from "./ask.ts";

/** An answer of ours, which `node:http` writes. */
export type Answer = { status: number; headers: [name: string, value: string][]; body?: string };

/** RFC 4918 16: a precondition that did not hold; `inside` is XML, with namespaces of its own. */
export function refuse(namespace: string, conditions: string[], inside = ""): Answer {
  const elements = conditions.map((name) =>
    inside ? `<${name} xmlns="${namespace}">${inside}</${name}>` : `<${name} xmlns="${namespace}"/>`
  ).join("");
  const body = `<?xml version="1.0" encoding="UTF-8"?><D:error xmlns:D="DAV:">${elements}</D:error>`;
  return { status: 403, headers: [["Content-Type", 'application/xml; charset="UTF-8"']], body };
}

/** The caller may not, as the upstream itself would say. Throws `upstream_down` when that has other trouble. */
export function passOn({ status, challenges }: Asked): Answer {
  if (status === 429 || status >= 500) throw new CarillonError("upstream_down", `the DAV server was asked: ${status}`);
  const allowed = [401, 403, 404];
  return {
    status: allowed.includes(status) ? status : 403,
    headers: challenges.map((value) => ["WWW-Authenticate", value]),
  };
}
