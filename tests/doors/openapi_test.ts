import manifest from "../../deno.json" with { type: "json" };
import { PUSH_EVENT } from "../../src/access/security_events.ts";
import type { App } from "../../src/app.ts";
import { OPERATIONS } from "../../src/doors/openapi/document.ts";
import { PUSH_EXAMPLE } from "../../src/doors/openapi/events.ts";
import { type ErrorCode, ERRORS } from "../../src/errors.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { equal, ok, throws } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { documented } from "../helpers/documented.ts";
import { askPython } from "../helpers/python_lines.ts";
import { describedWorker, findSchemathesis } from "../helpers/schemathesis.ts";
import { postEvent, securityEvent, testWorker } from "../helpers/worker.ts";

type Media = { example?: unknown; examples?: Record<string, { value: unknown }> };
type Described = { operationId: string; requestBody?: { content: Record<string, Media> } };
type Document = {
  info: { version: string; "x-limits": Record<string, number> };
  servers: { url: string }[];
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, { example?: { events: unknown } }> };
};

const ALL = { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" };

const read = async (url: string) => await (await fetch(`${url}/-/openapi.json`)).json() as Document;

/** Method and path of everything that the document describes. */
function namesOf({ paths }: Document): string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.replace("x-", "").toUpperCase()} ${path}`)
  ).sort();
}

for (const env of [ALL, {}]) {
  const has = env === ALL ? "everything" : "no active subscriptions";
  Deno.test(`openapi: of a worker with ${has} every address is described, and no other`, async () => {
    let routes: string[] = [];
    await using worker = await testWorker({
      env,
      serve: (host, port, start) =>
        serveNode(host, port, (got) => {
          const app = start(got) as unknown as App;
          routes = app.routes().map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
          return app;
        }),
    });
    const names = namesOf(await read(worker.url));
    equal(names, routes.sort());
    equal(names.length, OPERATIONS.length - (env === ALL ? 0 : 3));
  });
}

/** What the document says once for all addresses, and what is the DAV door's, which has none of its own. */
const ELSEWHERE: ErrorCode[] = ["method_not_allowed", "unknown_coding", "upstream_down"];

/** What leaves in the form of RFC 8935. */
const OF_SETS: ErrorCode[] = [
  "invalid_set",
  "invalid_key",
  "invalid_issuer",
  "invalid_audience",
  "authentication_failed",
  "access_denied",
];

Deno.test("openapi: there is no error that the document does not name", () => {
  const named = new Set<ErrorCode>([...OPERATIONS.flatMap(({ codes }) => codes), ...ELSEWHERE, ...OF_SETS, "internal"]);
  equal([...named].sort(), (Object.keys(ERRORS) as ErrorCode[]).sort());
});

Deno.test("openapi: the worker of the tests notices an answer that the document does not name", async () => {
  const answers = [[200, {}], [404, { code: "draining" }], [418, {}]] as const;
  for (const [status, body] of answers) {
    const type = status === 200 ? "text/plain" : "application/problem+json";
    const handle = () => Response.json(body, { status, headers: { "content-type": type } });
    const { serve, check } = documented(async (_, __, start) => {
      await start(0).handle(new Request("http://localhost/-/push/message/a", { method: "DELETE" }), {});
      return { port: 0, close: async () => {}, abort: () => {} };
    });
    await serve("", 0, () => ({ handle }));
    throws(check, Error);
  }
});

const withPython = await component("schemathesis", findSchemathesis);

const VALIDATE = `
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
for line in sys.stdin:
    print([error.message[:300] for error in OpenAPIV31SpecValidator(json.loads(line)).iter_errors()])
`;

withPython("openapi: the document is valid OpenAPI 3.1, and one with a fault is not", async (python) => {
  await using worker = await testWorker({ env: ALL });
  const document = await read(worker.url), broken = { ...document, info: {} };
  const verdicts = await askPython(python, VALIDATE, [document, broken].map((each) => JSON.stringify(each)));
  equal(verdicts[0], "[]");
  ok(verdicts[1]!.includes('"title" is a required property'), verdicts[1]);
});

/** Bodies of every example, by operation: as they are sent. */
function bodiesOf(document: Document): [id: string, type: string, body: string][] {
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  return operations.flatMap(({ operationId, requestBody }) =>
    Object.entries(requestBody?.content ?? {}).flatMap(([type, { example, examples = {} }]) =>
      [example, ...Object.values(examples).map(({ value }) => value)].filter((each) => each !== undefined)
        .map((value): [string, string, string] => [operationId, type, encode(type, value as object)])
    )
  );
}

function encode(type: string, value: object): string {
  if (type !== "application/x-www-form-urlencoded") return JSON.stringify(value);
  const fields = Object.entries(value).flatMap(([name, values]) => [values].flat().map((each) => [name, each]));
  return new URLSearchParams(fields).toString();
}

Deno.test("openapi: every example of a body is taken by its door", async () => {
  await using worker = await describedWorker();
  const bodies = bodiesOf(await read(worker.url)), answers: [string, number][] = [];
  let id = "";
  for (const [operationId, type, body] of bodies) {
    const { method, path } = OPERATIONS.find((each) => each.operationId === operationId)!;
    const response = await fetch(worker.url + path.replace("{id}", id), {
      method: method.toUpperCase(),
      body,
      headers: { "content-type": type, authorization: `Bearer ${worker.token}` },
    });
    await response.body?.cancel();
    if (operationId === "subscribe") id = response.headers.get("location")!.split("/").at(-1)!;
    answers.push([operationId, response.status]);
  }
  equal(answers, [
    ["gateway", 200],
    ["gateway", 200],
    ["gateway", 200],
    ["subscribe", 200],
    ["updateSubscription", 200],
    ["publish", 200],
    ["listenByForm", 200],
    ["makePushSubscription", 201],
  ]);
});

Deno.test("openapi: the example of a SET is taken when it is signed, and that of a matcher opens a stream", async () => {
  await using worker = await describedWorker();
  const { components, paths } = await read(worker.url);
  equal(components.schemas.SecurityEvent!.example!.events, { [PUSH_EVENT]: PUSH_EXAMPLE });
  const sent = await postEvent(worker.url, await securityEvent(worker, PUSH_EXAMPLE.messages));
  equal([sent.status, await sent.text()], [202, ""]);
  const { parameters } = paths["/.well-known/mercure"]!.get as unknown as {
    parameters: { name: string; schema: { example?: string[] } }[];
  };
  const examples = parameters.flatMap(({ name, schema }) => schema.example?.map((each) => [name, each]) ?? []);
  const headers = { authorization: `Bearer ${worker.token}` };
  const response = await fetch(`${worker.hub}?${new URLSearchParams(examples)}`, { headers });
  equal([response.status, await response.text(), examples.length], [200, "", 1]);
});

Deno.test("openapi: it says this worker's address, version and limits", async () => {
  await using worker = await testWorker({ env: { CARILLON_MAX_STREAMS: "7", CARILLON_MAX_SUBJECT_STREAMS: "3" } });
  const { info, servers } = await read(worker.url), { streams, streamsOfSubject, setBytes } = info["x-limits"];
  equal([info.version, servers, streams, streamsOfSubject, setBytes], [
    manifest.version,
    [{ url: worker.url }],
    7,
    3,
    48 * 1024,
  ]);
});

for (const path of ["/-/openapi.json", "/-/docs"]) {
  Deno.test(`openapi: ${path} is not sent again to who has it`, async () => {
    await using worker = await testWorker();
    const get = async (ifNoneMatch?: string) => {
      const headers: Record<string, string> = ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch };
      const response = await fetch(worker.url + path, { headers });
      return { status: response.status, etag: response.headers.get("etag")!, length: (await response.text()).length };
    };
    const first = await get();
    ok(first.status === 200 && /^"[\w-]{22}"$/.test(first.etag), first.etag);
    equal(await get('"another"'), first);
    for (const had of [first.etag, `W/${first.etag}`, `"another", ${first.etag}`, "*"]) {
      equal(await get(had), { status: 304, etag: first.etag, length: 0 });
    }
  });
}
