/** Every answer of a worker of the tests is looked up in its document, so that no test can see one that is not there. */
import { OPERATIONS } from "../../src/doors/openapi/document.ts";
import { type Operation, responsesOf } from "../../src/doors/openapi/operation.ts";
import { PUSH } from "../../src/doors/push_service.ts";
import type { Handlers, serveNode } from "../../src/serve/node_http.ts";

type Serve = typeof serveNode;
type Asked = { method: string; url: string };

/** `check` throws when something was answered that the document does not name. */
export function documented(serve: Serve): { serve: Serve; check: () => void } {
  const faults = new Set<string>();
  const see = async (asked: Asked, response: Response) => {
    const fault = await faultOf(asked, response);
    if (fault) faults.add(fault);
  };
  return {
    serve: (host, port, start, direct) => serve(host, port, (got) => watched(start(got), see), direct),
    check: () => {
      if (faults.size > 0) throw new Error(`the document names no such answer: ${[...faults].join("; ")}`);
    },
  };
}

/** Handlers whose answers are seen before they go; of pushes, which are answered on `node:http` itself, the status alone. */
export function watched(
  { handle, raw, ...rest }: Handlers,
  see: (asked: Asked, response: Response) => Promise<void> | void,
): Handlers {
  return {
    ...rest,
    handle: async (request, env) => {
      const response = await handle(request, env);
      await see(request, response);
      return response;
    },
    raw: (incoming, outgoing, expects) => {
      const isTaken = raw?.(incoming, outgoing, expects) ?? false, url = `http://localhost${incoming.url}`;
      const look = () => see({ method: incoming.method!, url }, new Response(null, { status: outgoing.statusCode }));
      if (isTaken && incoming.url!.startsWith(`${PUSH}/push/`)) outgoing.once("finish", () => void look());
      return isTaken;
    },
  };
}

const routes = OPERATIONS.map((operation) => ({
  operation,
  pattern: new RegExp(`^${operation.path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
}));

/** HEAD is answered as GET. What no operation is has no description. */
export function operationOf({ method, url }: Asked): Operation | undefined {
  const path = URL.parse(url)?.pathname ?? "", asked = method === "HEAD" ? "get" : method.toLowerCase();
  return routes.find(({ operation, pattern }) => operation.method === asked && pattern.test(path))?.operation;
}

async function faultOf(request: Asked, response: Response): Promise<string | undefined> {
  const operation = operationOf(request);
  if (!operation) return undefined;
  const what = `${operation.method} ${operation.path}: ${response.status}`;
  const known = responsesOf(operation)[response.status] as { content?: Record<string, object> } | undefined;
  const type = response.headers.get("content-type")?.split(";")[0];
  if (!known || (type !== undefined && !(type in (known.content ?? {})))) return `${what} ${type}`;
  if (type !== "application/problem+json" || request.method === "HEAD") return undefined;
  const { code } = await response.clone().json();
  return [...operation.codes, "internal"].includes(code) ? undefined : `${what} ${code}`;
}
