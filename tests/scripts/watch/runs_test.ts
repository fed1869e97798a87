import { createRuns } from "../../../scripts/watch/runs.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Runs whose command ends when the test says so; `begun` are the moments of each, in milliseconds. */
function openRuns() {
  const clock = manualClock(), ending = new AbortController();
  const begun: number[] = [], waits: number[] = [];
  let end = (_: boolean) => {}, prepare = () => Promise.resolve();
  const run = () => {
    begun.push(clock.elapsed());
    return new Promise<boolean>((resolve) => end = resolve);
  };
  const failed = (wait: number) => void waits.push(wait);
  const runs = createRuns({ prepare: () => prepare(), run, failed, clock, random: () => 0.5, signal: ending.signal });
  const advance = async (milliseconds: number) => {
    await turn();
    clock.advance(milliseconds);
    await turn();
  };
  const finish = async (isWell = true) => {
    end(isWell);
    await turn();
  };
  const prepared = (by: () => Promise<void>) => void (prepare = by);
  return { ...runs, prepared, clock, ending, begun, waits, advance, finish };
}

Deno.test("watch runs: a burst, and all that was missed in a sleep, is one run", async () => {
  const runs = openRuns();
  for (let at = 0; at < 100; at++) runs.ring();
  await runs.advance(999);
  equal(runs.begun, []);
  runs.ring();
  await runs.advance(1);
  await runs.finish();
  await runs.advance(3_600_000);
  equal(runs.begun, [1_000]);
});

Deno.test("watch runs: what comes while a run is prepared is that run's", async () => {
  const runs = openRuns(), ready = Promise.withResolvers<void>();
  runs.prepared(() => ready.promise);
  runs.ring();
  await runs.advance(1_000);
  equal(runs.begun, []);
  runs.ring();
  ready.resolve();
  await runs.advance(500);
  await runs.finish();
  await runs.advance(3_600_000);
  equal(runs.begun, [1_000]);
});

Deno.test("watch runs: what comes while it runs makes it run once more afterwards, never two at once", async () => {
  const runs = openRuns();
  runs.ring();
  await runs.advance(1_000);
  for (let at = 0; at < 10; at++) runs.ring();
  await runs.advance(500_000);
  equal(runs.begun.length, 1);
  await runs.finish();
  await runs.advance(1_000);
  await runs.finish();
  await runs.advance(500_000);
  equal(runs.begun, [1_000, 502_000]);
});

Deno.test("watch runs: what fails is run again, less and less often, and no more once it went well", async () => {
  const runs = openRuns();
  runs.ring();
  await runs.advance(1_000);
  for (let at = 0; at < 10; at++) {
    await runs.finish(false);
    await runs.advance(runs.waits.at(-1)!);
    await runs.advance(60_000);
  }
  equal(runs.waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900].map((seconds) => 1_000 * seconds));
  equal(runs.begun.length, 11);
  await runs.finish();
  await runs.advance(7_200_000);
  equal([runs.begun.length, runs.clock.waiting], [11, 0]);
});

Deno.test("watch runs: what is new does not wait for a command to be tried again", async () => {
  const runs = openRuns();
  runs.ring();
  await runs.advance(1_000);
  await runs.finish(false);
  runs.ring();
  await runs.advance(1_000);
  equal(runs.begun, [1_000, 2_000]);
  await runs.finish();
});

Deno.test("watch runs: a command whose every run is answered by a change is slowed down to one a minute", async () => {
  const runs = openRuns();
  for (let at = 0; at < 200; at++) {
    runs.ring();
    await runs.advance(1_000);
    await runs.finish();
  }
  const gaps = runs.begun.map((moment, at) => (moment - (runs.begun[at - 1] ?? 0)) / 1_000);
  equal(gaps.slice(0, 8), [1, 1, 1, 1, 1, 2, 4, 8]);
  ok(runs.begun.length < 14, `${runs.begun.length}`);
});

Deno.test("watch runs: none begins after the end, and the end waits for the one that is going on", async () => {
  const runs = openRuns();
  runs.ring();
  await runs.advance(1_000);
  let isOver = false;
  void runs.ended().then(() => isOver = true);
  runs.ring();
  runs.ending.abort();
  await runs.advance(60_000);
  equal(isOver, false);
  await runs.finish(false);
  await runs.advance(3_600_000);
  equal([isOver, runs.begun.length], [true, 1]);
});
