import fc from "fast-check";
import { createTell } from "../../../src/client/watch/tell.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

function openTell(changed: (url: string, token?: string) => Promise<void> | void = () => {}) {
  const clock = manualClock(),
    heard: (string | undefined)[] = [],
    faults: string[] = [],
    ending = new AbortController();
  const take = (url: string, token?: string) => (heard.push(token), changed(url, token));
  const report = ({ code }: { code: string }) => void faults.push(code);
  const tell = createTell({ changed: take, wait: clock.wait, report, signal: ending.signal });
  return { ...tell, say: (mark: string) => tell.tell("a", { mark, syncToken: mark }), clock, heard, faults };
}

Deno.test("client tell: the first change is told at once, a burst after it as one, by its newest token", async () => {
  const { say, heard, clock } = openTell();
  for (const token of ["1", "2", "3", "4"]) say(token);
  equal(heard, ["1"]);
  await turn();
  clock.advance(1_000);
  await turn();
  equal(heard, ["1", "4"]);
});

Deno.test("client tell: an app that is busy is not called again before it has done", async () => {
  const busy = Promise.withResolvers<void>(), { say, heard, clock } = openTell(() => busy.promise);
  for (const token of ["1", "2", "3"]) {
    say(token);
    clock.advance(60_000);
    await turn();
  }
  equal(heard, ["1"]);
  busy.resolve();
  await turn();
  clock.advance(1_000);
  await turn();
  equal(heard, ["1", "3"]);
});

Deno.test("client tell: what the app has is not told, also when it was about to be", async () => {
  const { say, synced, heard, clock } = openTell();
  synced("a", "1");
  say("1");
  say("2");
  say("3");
  synced("a", "3");
  await turn();
  clock.advance(1_000);
  await turn();
  equal(heard, ["2"]);
});

Deno.test("client tell: what the app did not take is told again, and reported", async () => {
  let isBroken = true;
  const { say, heard, faults, clock } = openTell(() => {
    if (isBroken) throw new Error("broken");
  });
  say("1");
  await turn();
  isBroken = false;
  clock.advance(1_000);
  await turn();
  say("1");
  equal([heard, faults], [["1", "1"], ["callback_failed"]]);
});

Deno.test("client tell: what the app did not take is not told again where something newer was told meanwhile", async () => {
  const busy = Promise.withResolvers<void>();
  let calls = 0;
  const { say, heard, clock } = openTell(() => calls++ === 0 ? busy.promise : undefined);
  say("1");
  say("2");
  busy.reject(new Error("broken"));
  await turn();
  clock.advance(1_000);
  await turn();
  say("2");
  equal(heard, ["1", "2"]);
});

Deno.test("client tell: a token that comes back after others is a change, as a hash of the content is", async () => {
  const { say, heard, clock, isNew } = openTell();
  for (const token of ["1", "2", "1"]) {
    say(token);
    await turn();
    clock.advance(1_000);
    await turn();
  }
  equal([heard, isNew("a", "2"), isNew("a", "3")], [["1", "2", "1"], false, true]);
});

Deno.test("client tell: whatever comes when, nothing is told twice in a row, and the last is what stands", async () => {
  const step = fc.oneof(fc.constantFrom("1", "2", "3"), fc.constant(1_000));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { say, heard, clock } = openTell(), said = steps.filter((step) => typeof step === "string");
      for (const step of steps) {
        if (typeof step === "string") say(step);
        else clock.advance(step);
        await turn();
      }
      clock.advance(1_000);
      await turn();
      // A burst that ends where it began may be told as that.
      ok(said.length === 0 ? heard.length === 0 : heard.at(-1) === said.at(-1), `${said} ${heard}`);
      ok(heard.length <= said.length);
    }),
    { numRuns: 50 },
  );
});
