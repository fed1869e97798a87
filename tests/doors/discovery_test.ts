/** Discovery: where the hub is, and what it must be brought (RFC 8288, RFC 9728). */
import { COOKIE } from "../../src/access/credentials.ts";
import { hubLink, withMetadata } from "../../src/doors/discovery.ts";
import { CarillonError } from "../../src/errors.ts";
import { GRANT_TYPE } from "../../src/model/grant.ts";
import { equal, ok } from "../helpers/assert.ts";
import { openStream } from "../helpers/event_source.ts";
import { accessToken, type TestWorker, testWorker } from "../helpers/worker.ts";

const METADATA = "/.well-known/oauth-protected-resource/.well-known/mercure";
const HUB = "https://carillon.example/.well-known/mercure";

const metadataOf = async ({ url }: TestWorker) => await (await fetch(url + METADATA)).json();

Deno.test("discovery: the metadata of the hub names its resource, its grants and how a token comes", async () => {
  await using worker = await testWorker();
  const response = await fetch(worker.url + METADATA);
  equal([response.status, response.headers.get("content-type")], [200, "application/json"]);
  equal(await response.json(), {
    resource: worker.hub,
    authorization_details_types_supported: [GRANT_TYPE],
    bearer_methods_supported: ["header"],
    mercure_matcher_types_supported: ["exact", "urlpattern"],
    mercure_cookie: COOKIE,
  });
});

Deno.test("discovery: a token for the resource that the metadata names is taken", async () => {
  await using worker = await testWorker();
  const { resource } = await metadataOf(worker);
  const token = await accessToken(worker, { subscribe: ["a"], claims: { aud: resource } });
  await using stream = await openStream(resource, "match=a", token);
  equal(stream.response.status, 200);
});

Deno.test("discovery: what the hub does not offer is left out of its metadata", async () => {
  await using shared = await testWorker({ env: { CARILLON_UPSTREAM: "http://127.0.0.1:9" } });
  equal("mercure_cookie" in await metadataOf(shared), false);
  await using active = await testWorker({ env: { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" } });
  equal((await metadataOf(active)).mercure_subscriptions, true);
});

Deno.test("discovery: the hub, its metadata and the transports name the hub in a Link", async () => {
  await using worker = await testWorker();
  const token = await accessToken(worker, { subscribe: ["a"], publish: ["a"] });
  const headers = { authorization: `Bearer ${token}` };
  await using stream = await openStream(worker.hub, "match=a", token);
  const answers = [
    stream.response,
    await fetch(worker.hub, { method: "POST", headers, body: new URLSearchParams({ topic: "a" }) }),
    await fetch(`${worker.url}/-/transports`),
    await fetch(worker.url + METADATA),
  ];
  for (const { headers, status, bodyUsed, body } of answers) {
    equal([status, headers.get("link")], [200, `<${worker.hub}>; rel="mercure"`]);
    if (!bodyUsed && headers.get("content-type") !== "text/event-stream") await body?.cancel();
  }
});

Deno.test("discovery: pages of the allowlist may read the Link", async () => {
  await using worker = await testWorker({ env: { CARILLON_ORIGINS: "https://app.example" } });
  const { headers, body } = await fetch(worker.url + METADATA, { headers: { origin: "https://app.example" } });
  await body?.cancel();
  ok(headers.get("access-control-expose-headers")?.split(",").includes("link"));
});

Deno.test("discovery: every challenge of the hub names its metadata, without a code where there is no token", async () => {
  await using worker = await testWorker({ env: { CARILLON_ACTIVE_SUBSCRIPTIONS: "true" } });
  const where = `resource_metadata="${worker.url}${METADATA}"`;
  const publisher = { authorization: `Bearer ${await accessToken(worker, { publish: ["a"] })}` };
  const challenge = async (query: string, headers: Record<string, string> = {}, path = "") => {
    const response = await fetch(`${worker.hub}${path}?${query}`, { headers });
    await response.body?.cancel();
    return [response.status, response.headers.get("www-authenticate")];
  };
  equal(await challenge("match=a"), [401, `Bearer ${where}`]);
  equal(await challenge("", {}, "/subscriptions"), [401, `Bearer ${where}`]);
  equal(await challenge("match=a", publisher), [403, `Bearer error="insufficient_scope", ${where}`]);
  equal(await challenge("match=a&access_token=a"), [400, `Bearer error="invalid_request", ${where}`]);
  equal(await challenge("match=a", { authorization: "Bearer" }), [400, `Bearer error="invalid_request", ${where}`]);
  const [status, invalid] = await challenge("match=a", { authorization: "Bearer garbage" });
  equal(status, 401);
  ok(
    `${invalid}`.startsWith('Bearer error="invalid_token", error_description="') &&
      `${invalid}`.endsWith(`", ${where}`),
  );
  equal(await challenge("nothing", { authorization: publisher.authorization, origin: "x" }, "/nothing"), [404, null]);
});

Deno.test("discovery: the challenge of a door that is no part of the hub does not name the hub's metadata", async () => {
  await using worker = await testWorker();
  const { headers, body } = await fetch(`${worker.url}/-/subscriptions`);
  await body?.cancel();
  equal(headers.get("www-authenticate"), "Bearer");
});

Deno.test("discovery: an error without a challenge gets none, and keeps its other headers", () => {
  const error = new CarillonError("too_large", "too large", { connection: "close" });
  equal(withMetadata(error, HUB), error);
  const named = withMetadata(new CarillonError("missing_token", "none", { a: "b", "www-authenticate": "Bearer" }), HUB);
  equal([named.code, named.message, named.headers.a], ["missing_token", "none", "b"]);
});

Deno.test("discovery: the attributes of a Link are quoted", () => {
  equal(hubLink(HUB, { "last-event-id": 'a"b\\c' }), `<${HUB}>; rel="mercure"; last-event-id="a\\"b\\\\c"`);
});
