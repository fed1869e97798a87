import { importKeys, makeKeys, publicKeys } from "../../../src/client/keys.ts";
import { systemPace } from "../../../src/client/pace.ts";
import type { Offer } from "../../../src/client/mod.ts";
import { openPlace } from "../../../scripts/watch/place.ts";
import { keptPush } from "../../../scripts/watch/push.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { accessToken, testWorker } from "../../helpers/worker.ts";

const OFFER = { vapidKey: publicKeys(await importKeys(await makeKeys())).p256dh, topics: [] };

/** A push service, a place, and how often a token was asked for. */
async function openRig() {
  const things = new AsyncDisposableStack(), worker = things.use(await testWorker());
  const folder = await Deno.makeTempDir();
  things.defer(() => Deno.remove(folder, { recursive: true }));
  const place = things.use(await openPlace(folder, "alice", () => {})), token = await accessToken(worker, {});
  const rig = { place, tokens: 0, token };
  const findToken = () => (rig.tokens++, Promise.resolve(rig.token));
  const open = (offer: Offer = OFFER) => keptPush({ url: worker.url, findToken, place })(offer, systemPace);
  return { ...rig, rig, open, [Symbol.asyncDispose]: () => things.disposeAsync() };
}

Deno.test("watch push: a subscription is made once, kept, and gone on with without a token", async () => {
  await using all = await openRig();
  const first = await all.open(), again = await all.open();
  equal([again!.subscription, again!.lasts, all.rig.tokens], [first!.subscription, true, 1]);
  await again!.end();
  equal(all.place.read(), undefined);
  const next = await all.open();
  ok(next!.subscription!.endpoint !== first!.subscription!.endpoint);
  equal(all.rig.tokens, 2);
});

Deno.test("watch push: where no key is advertised no token is asked for", async () => {
  await using all = await openRig();
  equal([await all.open({ topics: [] }), all.rig.tokens], [undefined, 0]);
});

Deno.test("watch push: keys that were damaged are forgotten, and a token that is refused is said so and not shown", async () => {
  await using all = await openRig();
  await all.open();
  const kept = all.place.read()!;
  all.place.write({ ...kept, keys: { ...kept.keys, auth: "damaged" } });
  const damaged = await all.open().catch((thrown) => thrown);
  equal([damaged.code, all.place.read()], ["bad_keys", undefined]);
  all.rig.token = "hidden.token.thatisnone";
  const refused = await all.open().catch((thrown) => thrown);
  equal(refused.code, "refused");
  ok(/deno task token makes one$/.test(refused.message) && !refused.message.includes("hidden"), refused.message);
});
