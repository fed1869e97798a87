/** Schemathesis, from PyPI, in the ignored folder .cache/: it asks a worker whatever its document allows, and forbids. */
import { findPython } from "../../scripts/lib/python_install.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { operationOf, watched } from "./documented.ts";
import { SUBSCRIPTION_EXAMPLE } from "../../src/doors/openapi/subscriptions.ts";
import { equal } from "./assert.ts";
import { askReceipts, push, subscribe } from "./push_resource.ts";
import { accessToken, SECRET, testWorker } from "./worker.ts";

/** The Python that has it, and a validator of OpenAPI documents. Throws why it cannot be had. */
export function findSchemathesis(): Promise<string> {
  return findPython("schemathesis", "4.32.5", "openapi-spec-validator==0.9.0");
}

/**
 * What is asked of every answer, besides that what the document forbids is refused. That all is taken which a schema allows
 * is not asked: no JSON Schema can say most of our rules.
 */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
  "allow_header_conformance",
  "missing_required_header",
  "ignored_auth",
];

/** What was found before is not kept, and a slow machine is no fault. */
const RUN = (
  "-m schemathesis.cli --no-color run openapi.json --generation-database none --warnings off " +
  "--suppress-health-check all --continue-on-failure"
).split(" ");

/** Signs the claims that it makes up: without, none of them would be read. */
const HOOKS = `
import base64, hashlib, hmac, json, os, time, uuid
import schemathesis

def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")

@schemathesis.serializer("application/secevent+jwt")
def sign(context, claims):
    if isinstance(claims, dict):
        fresh = {"iss": "dav", "aud": os.environ["AUDIENCE"], "iat": int(time.time()), "jti": uuid.uuid4().hex}
        claims = {name: claims[name] for name in claims if name != "exp"} | fresh
    head = part(json.dumps({"alg": "HS256", "typ": "secevent+jwt"}).encode())
    text = head + b"." + part(json.dumps(claims, default=str).encode())
    return text + b"." + part(hmac.new(os.environ["SECRET"].encode(), text, hashlib.sha256).digest())
`;

/** Whose secret signs. */
const CARILLON_ISSUERS = JSON.stringify([{ iss: "dav", secret: SECRET, topics: ["*"] }]);

const ADMIN_TOKEN = "the-admin-token-of-the-tests";

type DescribedWorker = Awaited<ReturnType<typeof describedWorker>>;

/**
 * A worker with everything that the document can name, whose event streams end as soon as they have begun. `answered` are
 * the statuses of each operation so far.
 */
export async function describedWorker() {
  const answered = new Map<string, Set<number>>();
  const note = (asked: { method: string; url: string }, { status }: Response) => {
    const id = operationOf(asked)?.operationId ?? "none";
    answered.set(id, (answered.get(id) ?? new Set()).add(status));
  };
  const worker = await testWorker({
    env: { CARILLON_ACTIVE_SUBSCRIPTIONS: "true", CARILLON_ADMIN_TOKEN: ADMIN_TOKEN, CARILLON_ISSUERS },
    serve: (host, port, start) =>
      serveNode(host, port, (got) => {
        const { handle, ...handlers } = start(got);
        return watched({ ...handlers, handle: (request) => handle(request, {}) }, note);
      }),
  });
  const token = await accessToken(worker, { publish: ["*"], subscribe: ["*"], claims: { sub: "reader" } });
  return { ...worker, answered, token };
}

/** Runs it against a worker; `args` say for how long. Answers what it said, and whether it found nothing. */
export async function runSchemathesis(python: string, worker: DescribedWorker, args: string[]) {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/schemathesis.toml`, await configure(worker));
    await Deno.writeTextFile(`${cwd}/signing.py`, HOOKS);
    await Deno.writeTextFile(`${cwd}/openapi.json`, JSON.stringify(await readDocument(worker)));
    const { success, stdout, stderr } = await new Deno.Command(python, {
      args: [...RUN, "--url", worker.url, ...args],
      cwd,
      env: { SECRET, AUDIENCE: worker.url },
    }).output();
    const [said, failed] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { success, said: said! + failed! };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/**
 * As OpenAPI 3.2, which has the method QUERY, and to which the schema of an event stream is that of its events. Of a SET its
 * claims, which are signed when they are sent.
 */
async function readDocument({ url }: DescribedWorker): Promise<unknown> {
  const text = await (await fetch(`${url}/-/openapi.json`)).text();
  const document = JSON.parse(
    text.replaceAll('"x-query":', '"query":').replaceAll(/("text\/event-stream":)\{"schema":\{[^}]*\}\}/g, "$1{}"),
  );
  const set = document.paths["/-/events"].post.requestBody.content["application/secevent+jwt"];
  set.schema = { $ref: "#/components/schemas/SecurityEvent" };
  return { ...document, openapi: "3.2.0" };
}

/** Its settings: tokens that may do everything, and for some operations addresses that are not made up. */
async function configure(worker: DescribedWorker): Promise<string> {
  const { token } = worker, schemes = Object.entries({ bearer: token, admin: ADMIN_TOKEN });
  return [
    `hooks = "signing.py"`,
    ["[checks]", "enabled = false", ...CHECKS.map((check) => `${check}.enabled = true`)].join("\n"),
    "[checks.negative_data_rejection]\nenabled = true\nexpected-statuses = [400, 401, 403, 404, 405, 413, 415]",
    // What is signed is not what was made up, and a form cannot say whether one value is a list.
    `[[operations]]\ninclude-operation-id = ["pushEvent", "listenByForm"]\nchecks.negative_data_rejection.enabled = false`,
    ...schemes.map(([name, bearer]) => `[auth.openapi.${name}]\nbearer = "${bearer}"`),
    `[auth.openapi.cookie]\napi_key = "${token}"`,
    ...Object.entries(await makeAddresses(worker)).map(([operation, address]) => {
      const name = /^(?:get|update|delete)Subscription$/.test(operation) ? "id" : "token";
      const parameters = `{ ${name} = "${address.split("/").at(-1)}" }`;
      return `[[operations]]\ninclude-operation-id = "${operation}"\nparameters = ${parameters}`;
    }),
  ].join("\n\n");
}

/** What stays for those that read, change and push; and for each that ends something one of its own. */
async function makeAddresses(worker: DescribedWorker): Promise<Record<string, string>> {
  const { subscription, set, push: resource } = await subscribe(worker), { receipts } = await askReceipts(worker);
  const stored = await storeSubscription(worker, "a");
  return {
    readPushSubscription: subscription,
    readPushSet: set,
    readReceipts: receipts,
    pushMessage: resource,
    acknowledgeMessage: (await push(resource)).location,
    endPushSubscription: (await subscribe(worker)).subscription,
    endReceiptSubscription: (await askReceipts(worker)).receipts,
    getSubscription: stored,
    updateSubscription: stored,
    deleteSubscription: await storeSubscription(worker, "b"),
  };
}

async function storeSubscription({ url, token }: DescribedWorker, name: string): Promise<string> {
  const response = await fetch(`${url}/-/subscriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ ...SUBSCRIPTION_EXAMPLE, endpoint: `${SUBSCRIPTION_EXAMPLE.endpoint}/${name}` }),
  });
  await response.body?.cancel();
  equal(response.status, 201);
  return response.headers.get("location")!;
}
