/** Time: polling, back-off, renewal, and a machine that sleeps. */
import { equal, ok } from "../../helpers/assert.ts";
import { multistatus, printCollection } from "../../helpers/dav_stub.ts";
import { openTimedWatch as open, pushed, settle } from "../../helpers/timed_watch.ts";

const HOUR = 3_600_000, DAY = 24 * HOUR;

Deno.test("client watch: polling is a minute apart, twice that after each look without a change, and jittered", async () => {
  let token = "1";
  await using watch = await open(() => multistatus(printCollection({ token })));
  await watch.pass(20 * 60_000);
  const rests = watch.times.slice(1).map((time, index) => (time - watch.times[index]!) / 60_000);
  equal(rests.slice(0, 4), [1, 2, 4, 8]);
  token = "2";
  await watch.pass(20 * 60_000);
  equal(watch.heard, ["1", "2"]);
});

Deno.test("client watch: a server that fails is asked less and less often, and never before it said", async () => {
  let headers: Record<string, string> = {};
  await using watch = await open(() => new Response(null, { status: 503, headers }));
  await watch.pass(3 * 60_000);
  const rests = watch.times.slice(1).map((time, index) => (time - watch.times[index]!) / 1_000);
  equal(rests.slice(0, 5), [5, 10, 20, 40, 80]);
  headers = { "retry-after": "7200" };
  await watch.pass(10 * 60_000);
  const count = watch.times.length;
  await watch.pass(110 * 60_000);
  equal(watch.times.length, count);
});

Deno.test("client watch: a laptop that has slept for eight hours connects anew, and looks once", async () => {
  let token = "1";
  await using watch = await open(pushed(() => token, (now) => now + 7 * DAY));
  await watch.pass(60_000);
  equal(watch.watching.state, "push");
  const [looks, connections] = [watch.times.length, watch.hearings.length];
  token = "2";
  watch.clock.jump(8 * HOUR);
  await watch.pass(10 * 60_000);
  equal([watch.times.length - looks, watch.hearings.length - connections], [1, 1]);
  equal(watch.heard, ["1", "2"]);
});

Deno.test("client watch: pushes without a token in a burst are one look, and those of other topics none", async () => {
  await using watch = await open(pushed(() => "1", (now) => now + 7 * DAY));
  await watch.pass(60_000);
  const looks = watch.times.length,
    push = (topic: string) =>
      watch.hearings[0]!.onMessage(
        `<push-message xmlns="https://bitfire.at/webdav-push"><topic>${topic}</topic><content-update/></push-message>`,
      );
  for (let count = 0; count < 100; count++) push("topic");
  await watch.pass(30_000);
  equal(watch.times.length - looks, 1);
  for (let count = 0; count < 100; count++) push("other");
  await watch.pass(30_000);
  equal([watch.times.length - looks, watch.heard], [1, ["1"]]);
});

Deno.test("client watch: a registration is renewed before it ends, also a short one, but not more than once a minute", async () => {
  for (const [life, passing, least, most] of [[3 * HOUR, 7 * HOUR, 3, 4], [1_000, HOUR, 50, 62]] as const) {
    await using watch = await open(pushed(() => "1", (now) => now + life));
    await watch.pass(passing, 30_000);
    const posts = watch.stub.asked.filter(({ method }) => method === "POST").length;
    ok(posts >= least && posts <= most, `${life}: ${posts}`);
    equal(watch.watching.state, "push");
  }
});

Deno.test("client watch: a token that a push brings is told at once, and not again by the next look", async () => {
  let token = "1";
  await using watch = await open(pushed(() => token, (now) => now + 7 * DAY));
  await watch.pass(5 * 60_000);
  const looks = watch.times.length;
  token = "2";
  watch.hearings[0]!.onMessage(
    `<push-message xmlns="https://bitfire.at/webdav-push"><topic>topic</topic><content-update><sync-token xmlns="DAV:">2` +
      "</sync-token></content-update></push-message>",
  );
  await settle();
  equal([watch.heard, watch.times.length - looks], [["1", "2"], 0]);
  await watch.pass(2 * HOUR, 30_000);
  equal([watch.heard, watch.times.length > looks], [["1", "2"], true]);
});
