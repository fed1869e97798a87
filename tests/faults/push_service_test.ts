/** A push service that fails in every way, and a worker that goes on: nothing is lost, nobody is unsubscribed for it. */
import { equal } from "../helpers/assert.ts";
import type { Behaviour, TestSubscription } from "../helpers/push_service.ts";
import { changesTo, handOver, openPair, type Pair } from "../helpers/subscriber.ts";
import { ring } from "../helpers/worker.ts";
import { eventually } from "../helpers/eventually.ts";

const TOPIC = "https://dav.example/alice/work/";

/** A subscription that is confirmed, and its location. */
async function subscribe(pair: Pair): Promise<{ client: TestSubscription; location: string }> {
  const client = pair.service.subscribe();
  const { location } = await (await pair.subscribe(handOver(client, [TOPIC], { maxDelay: 0 }))).json();
  await pair.service.until(() => pair.service.messages(client).length === 1);
  return { client, location };
}

const tell = (pair: Pair, token: string) =>
  ring(pair.worker, { topic: TOPIC, "sync-token": token, data: "x".repeat(600) });

const tokens = (pair: Pair, client: TestSubscription) =>
  changesTo(pair.service, client).map((message) => message["sync-token"]);

async function statusOf(pair: Pair, location: string): Promise<number> {
  const response = await pair.ask("GET", location);
  await response.body?.cancel();
  return response.status;
}

const inSeconds = (seconds: number) => new Date(Date.now() + 1_000 * seconds).toUTCString();

const PASSING: Record<string, () => Behaviour> = {
  "500": () => ({ status: 500, body: "<html>" }),
  "507": () => ({ status: 507 }),
  "503 with seconds": () => ({ status: 503, headers: { "retry-after": "1" } }),
  "429 with seconds": () => ({ status: 429, headers: { "retry-after": "1" } }),
  "429 with a date": () => ({ status: 429, headers: { "retry-after": inSeconds(2) } }),
  "429 with nonsense": () => ({ status: 429, headers: { "retry-after": "soon, -1" } }),
  "408": () => ({ status: 408 }),
  "a reset": () => "reset",
  "a refused stream": () => "refuse",
  "a broken connection": () => "destroy",
  "garbage": () => "garbage",
};

for (const [what, behaviour] of Object.entries(PASSING)) {
  Deno.test(`push service: after ${what} the message arrives, and so does the next`, async () => {
    await using pair = await openPair();
    const { client, location } = await subscribe(pair);
    pair.service.behave(behaviour(), { times: 1 });
    await tell(pair, "1");
    await pair.service.until(() => tokens(pair, client).includes("1"));
    await tell(pair, "2");
    await pair.service.until(() => tokens(pair, client).includes("2"));
    equal([tokens(pair, client), await statusOf(pair, location)], [["1", "2"], 200]);
  });
}

for (const status of [404, 410]) {
  Deno.test(`push service: ${status} ends the subscription, and nothing is sent to it any more`, async () => {
    await using pair = await openPair();
    const [{ client, location }, other] = [await subscribe(pair), await subscribe(pair)];
    pair.service.behave({ status }, { to: client });
    await tell(pair, "1");
    await pair.service.until(() => tokens(pair, other.client).length === 1);
    await pair.service.until(() =>
      pair.service.requests.some(({ behaviour }) =>
        behaviour instanceof Object && "status" in behaviour && behaviour.status === status
      )
    );
    while (await statusOf(pair, location) !== 404);
    await tell(pair, "2");
    await pair.service.until(() => tokens(pair, other.client).length === 2);
    equal(pair.service.requests.filter(({ path }) => path === client.path).length, 2);
    equal(await statusOf(pair, other.location), 200);
  });
}

Deno.test("push service: 400 ends the message, never the subscription", async () => {
  await using pair = await openPair();
  const { client, location } = await subscribe(pair);
  pair.service.behave({ status: 400 }, { times: 1 });
  await tell(pair, "1");
  await pair.service.until(() => pair.service.requests.length === 2);
  await tell(pair, "2");
  await pair.service.until(() => tokens(pair, client).length === 1);
  equal([tokens(pair, client), await statusOf(pair, location)], [["2"], 200]);
});

Deno.test("push service: 413 gets the small message at once", async () => {
  await using pair = await openPair();
  const { client } = await subscribe(pair);
  pair.service.behave({ status: 413 }, { times: 1 });
  await tell(pair, "1");
  await pair.service.until(() => tokens(pair, client).length === 1);
  equal(changesTo(pair.service, client).map(({ data, topic }) => [data, topic]), [[undefined, TOPIC]]);
});

Deno.test("push service: a redirect to this machine leads nowhere", async () => {
  await using pair = await openPair();
  let asked = 0;
  await using target = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => (asked++, new Response()),
  );
  const { client, location } = await subscribe(pair);
  pair.service.behave({ status: 307, headers: { location: `http://localhost:${target.addr.port}/` } }, { times: 2 });
  await tell(pair, "1");
  await pair.service.until(() => tokens(pair, client).length === 1);
  equal([asked, await statusOf(pair, location)], [0, 200]);
});

Deno.test("push service: 403 pauses what needs our key there, ends no subscription, and is said once", async () => {
  await using pair = await openPair();
  const { client, location } = await subscribe(pair);
  pair.service.behave({ status: 403 }, { to: client });
  await tell(pair, "1");
  await pair.service.until(() => pair.service.requests.length === 2);
  const other = await subscribe(pair);
  await tell(pair, "2");
  await pair.service.until(() => tokens(pair, other.client).length === 1);
  equal(await statusOf(pair, location), 200);
  const retries = () => Array.fromAsync(pair.worker.kv.list({ prefix: ["retry"] }));
  // One that took more than a second was written down as well, until its answer came.
  await eventually("only what was refused is tried again", async () => (await retries()).length <= 1, 20_000);
});

Deno.test("push service: one that is down loses nothing, and gets the newest when it is back", async () => {
  await using pair = await openPair();
  const [{ client, location }, { client: second }] = [await subscribe(pair), await subscribe(pair)];
  await pair.service.stop();
  for (const token of ["1", "2", "3"]) await tell(pair, token);
  await pair.service.start();
  await pair.service.until(() => tokens(pair, client).includes("3") && tokens(pair, second).includes("3"));
  equal(await statusOf(pair, location), 200);
});

Deno.test("push service: one that is slow holds up neither another one nor its own topic", async () => {
  await using slow = await openPair();
  const { openPushService } = await import("../helpers/push_service.ts");
  await using quick = await openPushService();
  await using pair = await openPair({
    env: { CARILLON_PUSH_HOSTS: `127.0.0.1:${quick.port},127.0.0.1:${slow.service.port}` },
  });
  const [tardy, prompt] = [slow.service.subscribe(), quick.subscribe()];
  for (const client of [tardy, prompt]) {
    await (await pair.subscribe(handOver(client, [TOPIC], { maxDelay: 0 }))).body?.cancel();
  }
  await slow.service.until(() => slow.service.messages(tardy).length === 1);
  await quick.until(() => quick.messages(prompt).length === 1);
  const resume = slow.service.pause();
  await tell(pair, "1");
  await quick.until(() => changesTo(quick, prompt).length === 1);
  await tell(pair, "2");
  await quick.until(() => changesTo(quick, prompt).length === 2);
  equal(changesTo(slow.service, tardy), []);
  resume();
  await slow.service.until(() => changesTo(slow.service, tardy).some((message) => message["sync-token"] === "2"));
});
