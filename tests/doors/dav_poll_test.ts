/** What happens behind the worker's back, in a real Radicale: a service account sees it. */
import { component } from "../helpers/component.ts";
import { equal, ok } from "../helpers/assert.ts";
import { fastClock } from "../helpers/clock.ts";
import { openAll, registerAt, tokenIn, until } from "../helpers/dav_push.ts";
import { findRadicale } from "../helpers/radicale.ts";

const test = await component("Radicale", findRadicale);

/** Everybody has what is their own, and bob, the service account, reads all. */
const RIGHTS = `[root]
user: .+
collection:
permissions: R
[own]
user: .+
collection: {user}(/.*)?
permissions: RrWw
[service]
user: bob
collection: .*
permissions: Rr
`;

async function openPolled(more: Record<string, string>) {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, RIGHTS);
  const all = await openAll({ config: { rights: { type: "from_file", file } }, clock: fastClock(60) }, more);
  return { ...all, [Symbol.asyncDispose]: async () => (await all[Symbol.asyncDispose](), await Deno.remove(file)) };
}

const ACCOUNT = { CARILLON_SERVICE_USER: "bob", CARILLON_SERVICE_PASSWORD: "bob" };

test("dav poll: what another way in writes to calendars and address books rings, with the token, once", async () => {
  await using all = await openPolled(ACCOUNT);
  const devices = [all.service.subscribe(), all.service.subscribe()], direct = all.radicale.as("alice");
  for (const [n, path] of ["/alice/work/", "/alice/people/"].entries()) {
    equal((await registerAt(all.alice, path, devices[n]!)).status, 201);
    await all.service.until(() => all.service.messages(devices[n]!).length === 1);
  }
  await looked(all, 1);
  await direct.putEvent("/alice/work/", "invited");
  await all.service.until(() => all.service.messages(devices[0]!).length === 2);
  ok(tokenIn(all.service.messages(devices[0]!).at(-1)!.text)?.startsWith("http"));
  equal(all.service.messages(devices[1]!).length, 1);
  await direct.putCard("/alice/people/", "imported");
  await all.service.until(() => all.service.messages(devices[1]!).length === 2);
  // What is written through us is told at once, and not again when it is seen there.
  await all.alice.putCard("/alice/people/", "written");
  await all.service.until(() => all.service.messages(devices[1]!).length === 3);
  const before = await looks(all);
  await looked(all, before + 2);
  equal(devices.map((device) => all.service.messages(device).length), [2, 3]);
});

test("dav poll: a collection that is gone is told, and its subscriptions end", async () => {
  await using all = await openPolled(ACCOUNT);
  const device = all.service.subscribe();
  equal(
    (await registerAt(all.alice, "/alice/people/", device)).status,
    201,
  );
  await all.service.until(() => all.service.messages(device).length === 1);
  await looked(all, 1);
  await all.radicale.as("alice").remove("/alice/people/");
  await all.service.until(() => all.service.messages(device).length === 2);
  await until(async () => await all.stored() === 0);
});

test("dav poll: without an account nothing is looked at", async () => {
  await using all = await openPolled({});
  const device = all.service.subscribe();
  equal(
    (await registerAt(all.alice, "/alice/work/", device)).status,
    201,
  );
  await all.service.until(() => all.service.messages(device).length === 1);
  equal([await Array.fromAsync(all.worker.kv.list({ prefix: ["home"] })), await looks(all)], [[], 0]);
});

type All = Awaited<ReturnType<typeof openPolled>>;

/** How often a home was looked at. */
async function looks({ worker }: All): Promise<number> {
  const { values } = await worker.metrics.davPolls.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

const looked = (all: All, count: number) => until(async () => await looks(all) >= count);
