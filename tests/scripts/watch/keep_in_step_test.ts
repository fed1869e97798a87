import { keepInStep } from "../../../scripts/watch/keep_in_step.ts";
import { createRuns } from "../../../scripts/watch/runs.ts";
import { equal } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";
import { davStub, URL_OF } from "../../helpers/dav_stub.ts";
import { pushed, settle, testChannel } from "../../helpers/timed_watch.ts";

/** A calendar whose token the test sets, undefined while it is not reached; `begun` has the token of each run. */
async function openRig() {
  const ending = new AbortController(), { signal } = ending, clock = manualClock(), random = () => 0.5;
  const { channel, hearings } = testChannel(), begun: (string | undefined)[] = [];
  let token: string | undefined = "1";
  const answer = pushed(() => token!, (now) => now + 86_400_000);
  const { fetch } = davStub((asked) => token ? answer(asked, clock.now()) : new Response(null, { status: 503 }));
  const run = () => Promise.resolve(begun.push(token) > 0);
  const effects = { fetch, headers: {}, signal, pace: { ...clock, random } };
  const openRuns = (prepare: () => Promise<void>) =>
    createRuns({ prepare, run, failed: () => {}, clock, random, signal });
  const over = keepInStep(
    { effects, clock, openRuns, note: () => {} },
    new Map([[URL_OF, () => Promise.resolve(channel)]]),
  );

  async function pass(seconds: number): Promise<void> {
    for (; seconds > 0; seconds--) {
      await settle();
      clock.advance(1_000);
      await settle();
    }
  }
  await pass(100);
  return {
    begun,
    pass,
    move: (to: string | undefined) => void (token = to),
    tell: (told: string) => hearings[0]!.onMessage(JSON.stringify({ topic: "topic", "sync-token": told })),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await over;
    },
  };
}

Deno.test("watch: a burst is told of at its begin and, merged, after its end, and is one run", async () => {
  await using rig = await openRig();
  equal(rig.begun, ["1"]);
  rig.tell("2");
  rig.move("51");
  await rig.pass(5);
  rig.tell("51");
  await rig.pass(100);
  equal(rig.begun, ["1", "51"]);
  rig.move("52");
  rig.tell("52");
  await rig.pass(5);
  equal(rig.begun, ["1", "51", "52"]);
});

Deno.test("watch: the command runs also where the server does not say what is there, and then again when told", async () => {
  await using rig = await openRig();
  rig.move(undefined);
  rig.tell("2");
  await rig.pass(5);
  equal(rig.begun, ["1", undefined]);
  rig.move("3");
  rig.tell("3");
  await rig.pass(10);
  equal(rig.begun, ["1", undefined, "3"]);
});
