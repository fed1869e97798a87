import { connect } from "node:net";
import { Hono } from "hono";
import { once } from "node:events";
import { COOKIE } from "../../src/access/credentials.ts";
import { readyDoor } from "../../src/doors/ops.ts";
import { problem } from "../../src/doors/problem.ts";
import { asCarillonError } from "../../src/errors.ts";
import { serveDeno } from "../../src/serve/deno_serve.ts";
import { serveNode } from "../../src/serve/node_http.ts";
import { hashAdminToken, makeAdminToken } from "../../src/store/keys.ts";
import { equal, ok } from "../helpers/assert.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { ring, testWorker } from "../helpers/worker.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

async function metricsOf(url: string, token: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${url}/-/metrics`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function refusalOf(sent: Promise<Response> | Response) {
  const { status, headers, text } = await Promise.resolve(sent).then(async (r) => (
    { status: r.status, headers: r.headers, text: await r.text() }
  ));
  return readRefusal({ status, headers, text });
}

Deno.test("ops: a worker that runs is healthy and ready, without a token", async () => {
  await using worker = await testWorker();
  for (const path of ["healthy", "ready"]) {
    const response = await fetch(`${worker.url}/-/${path}`);
    equal([response.status, await response.text()], [200, `${path}\n`]);
  }
});

Deno.test("ops: without its database a worker is healthy, not ready, and says nothing of the inside", async () => {
  const kv = await Deno.openKv(":memory:");
  const worker = await testWorker({ kv });
  kv.close();
  equal(await (await fetch(`${worker.url}/-/healthy`)).text(), "healthy\n");
  const { status, code, text } = await refusalOf(fetch(`${worker.url}/-/ready`));
  equal([status, code], [503, "kv_failed"]);
  ok(!/BadResource|closed|\.ts/.test(text), text);
  await worker.stop();
});

Deno.test("ops: a worker without its database stores nothing and acknowledges nothing", async () => {
  const kv = await Deno.openKv(":memory:");
  const worker = await testWorker({ kv });
  kv.close();
  const refused = await ring(worker, "a").then(() => "", ({ message }: Error) => message);
  ok(refused.includes("503") && refused.includes("kv_failed"), refused);
  await worker.stop();
});

Deno.test("ops: metrics are shown to the admin token of the settings alone", async () => {
  await using worker = await testWorker({ env: { CARILLON_ADMIN_TOKEN: ADMIN_TOKEN } });
  const made = await makeAdminToken(worker.kv);
  const shown = await metricsOf(worker.url, ADMIN_TOKEN);
  equal([shown.status, shown.headers.get("content-type")?.startsWith("text/plain")], [200, true]);
  for (const token of [made, `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), hashAdminToken(ADMIN_TOKEN)]) {
    const { status, code } = readRefusal(await metricsOf(worker.url, token));
    equal([status, code], [401, "invalid_token"]);
  }
});

Deno.test("ops: the admin token may come as a cookie, but not where the DAV server's pages have our origin", async () => {
  const env = { CARILLON_ADMIN_TOKEN: ADMIN_TOKEN }, headers = { cookie: `${COOKIE}=${ADMIN_TOKEN}` };
  await using alone = await testWorker({ env });
  const shown = await fetch(`${alone.url}/-/metrics`, { headers });
  equal([shown.status, (await shown.text()).includes("carillon_")], [200, true]);
  await using shared = await testWorker({ env: { ...env, CARILLON_UPSTREAM: "http://127.0.0.1:1" } });
  equal((await refusalOf(fetch(`${shared.url}/-/metrics`, { headers }))).code, "missing_token");
});

Deno.test("ops: the admin token that was made is good until another one is", async () => {
  await using worker = await testWorker();
  equal((await metricsOf(worker.url, "no-token-was-made")).status, 401);
  const first = await makeAdminToken(worker.kv);
  equal((await metricsOf(worker.url, first)).status, 200);
  const second = await makeAdminToken(worker.kv);
  equal([(await metricsOf(worker.url, first)).status, (await metricsOf(worker.url, second)).status], [401, 200]);
});

Deno.test("ops: metrics count, and no label holds what a stranger chose", async () => {
  await using worker = await testWorker({ env: { CARILLON_ADMIN_TOKEN: ADMIN_TOKEN } });
  await ring(worker, "the-topic-of-a-stranger", "b");
  for (const path of ["/the-path-of-a-stranger", "/-/gateway?the-query-of-a-stranger", "/-/events"]) {
    await (await fetch(worker.url + path, { headers: { "user-agent": "the-agent-of-a-stranger" } })).body?.cancel();
  }
  const { text } = await metricsOf(worker.url, ADMIN_TOKEN);
  ok(/^carillon_changes_total 2$/m.test(text) && /code="not_found"} 1$/m.test(text), text);
  ok(!text.includes("of-a-stranger"));
});

Deno.test("ops: a worker that is being stopped is not ready, whatever its database says", async () => {
  const app = new Hono().get("/", readyDoor({ check: () => Promise.resolve(), isDraining: () => true }));
  app.onError((thrown) => problem(asCarillonError(thrown)));
  const { status, code } = await refusalOf(app.request("/"));
  equal([status, code], [503, "draining"]);
});

Deno.test("ops: what was begun is answered before the worker stops", async () => {
  const worker = await testWorker();
  const socket = connect(Number(new URL(worker.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(
    "POST /-/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/secevent+jwt\r\nContent-Length: 1\r\n\r\n",
  );
  await (await fetch(`${worker.url}/-/healthy`)).body?.cancel();
  const stopped = worker.stop();
  socket.write("x");
  const [chunk] = await once(socket, "data");
  ok(`${chunk}`.startsWith("HTTP/1.1 400"), `${chunk}`);
  socket.destroy();
  await Promise.all([stopped, closed]);
});

for (const [name, serve] of Object.entries({ "node:http": serveNode, "Deno.serve": serveDeno })) {
  Deno.test(`ops, ${name}: a connection that never asked for anything does not hold up the stop`, async () => {
    const worker = await testWorker({ serve });
    const socket = connect(Number(new URL(worker.url).port), "127.0.0.1").on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "connect");
    await (await fetch(`${worker.url}/-/healthy`)).body?.cancel();
    const start = performance.now();
    await worker.stop();
    ok(performance.now() - start < 1_500, `${performance.now() - start} ms`);
    socket.destroy();
    await closed;
  });
}
