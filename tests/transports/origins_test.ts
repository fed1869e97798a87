import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { LONGEST_PAUSE, TOLD, type Verdict } from "../../src/transports/origin_state.ts";
import {
  createOrigins,
  IN_FLIGHT,
  IN_FLIGHT_OF_ALL,
  MAX_ORIGINS,
  type Sender,
  STRANGERS_OF_ALL,
  type Turn,
  WAITING,
} from "../../src/transports/origins.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

const ANSWERED: Verdict = { origin: "answered" }, FAILED: Verdict = { origin: "failed" };

type Going = Extract<Turn, { go: true }>;

/** Origins without jitter. `enter` answers at once with the turn, or with undefined while it waits. */
function openOrigins() {
  const clock = manualClock(), refusals: Sender[] = [];
  const origins = createOrigins({ clock, random: () => 1, keyRefused: (sender) => void refusals.push(sender) });
  let number = 0;

  async function enter(more: Partial<Sender> = {}): Promise<{ turn?: Turn }> {
    const entered: { turn?: Turn } = {};
    void origins.enter({ origin: "https://a.example", endpoint: `e${number++}`, key: "k", confirmed: true, ...more })
      .then((turn) => void (entered.turn = turn));
    await settle();
    return entered;
  }

  /** Enters and leaves with a verdict. */
  async function pass(verdict: Verdict, more: Partial<Sender> = {}): Promise<void> {
    goingOf(await enter(more)).leave(verdict);
  }

  return { clock, origins, enter, pass, refusals };
}

/** Promises that are resolved have been heard after a few turns. */
async function settle(): Promise<void> {
  for (let n = 0; n < 4; n++) await Promise.resolve();
}

function goingOf({ turn }: { turn?: Turn }): Going {
  ok(turn?.go === true);
  return turn;
}

const stateOf = ({ turn }: { turn?: Turn }) => turn === undefined ? "waits" : turn.go ? "goes" : "refused";
const statesOf = (entered: { turn?: Turn }[]) => entered.map(stateOf);

Deno.test("origins: the first request to one is alone until it was answered, then all that waited go", async () => {
  const { enter } = openOrigins();
  const first = await enter(),
    second = await enter(),
    third = await enter(),
    elsewhere = await enter({ origin: "https://b.example" });
  equal(statesOf([first, second, third, elsewhere]), ["goes", "waits", "waits", "goes"]);
  goingOf(first).leave(ANSWERED);
  await settle();
  equal(statesOf([second, third]), ["goes", "goes"]);
});

Deno.test("origins: a request that tells nothing lets the next try alone", async () => {
  const { enter } = openOrigins();
  const first = await enter(), second = await enter(), third = await enter();
  goingOf(first).leave({ origin: "silent" });
  await settle();
  equal(statesOf([second, third]), ["goes", "waits"]);
});

Deno.test("origins: 80 are in flight to one, the others wait in their order", async () => {
  const { enter, pass } = openOrigins();
  await pass(ANSWERED);
  const going = await Promise.all(Array.from({ length: IN_FLIGHT }, () => enter()));
  ok(statesOf(going).every((state) => state === "goes"));
  const [next, last] = [await enter(), await enter()];
  equal(statesOf([next, last]), ["waits", "waits"]);
  goingOf(going[7]!).leave(ANSWERED);
  await settle();
  equal(statesOf([next, last, await enter()]), ["goes", "waits", "waits"]);
});

Deno.test("origins: 500 wait for one, what comes then is refused at once, and told to come later", async () => {
  const { clock, enter, origins } = openOrigins();
  await enter();
  const waiting = await Promise.all(Array.from({ length: WAITING }, () => enter()));
  ok(statesOf(waiting).every((state) => state === "waits"));
  equal((await enter()).turn, { go: false, at: clock.now() + 10_000 });
  equal(origins.stats().waiting, WAITING);
  equal(stateOf(await enter({ origin: "https://b.example" })), "goes");
});

Deno.test("origins: 512 are in flight to all, which busy ones share, and whoever comes last gets some at once", async () => {
  const { enter, pass, origins } = openOrigins();
  const names = Array.from({ length: 8 }, (_, n) => `https://${n}.example`);
  const entered: Record<string, { turn?: Turn }[]> = {};
  const going = (name: string) => entered[name]!.filter(({ turn }) => turn).length;
  for (const origin of names) await pass(ANSWERED, { origin });
  for (const origin of names) {
    entered[origin] = await Promise.all(Array.from({ length: IN_FLIGHT }, () => enter({ origin })));
  }
  const all = () => names.reduce((sum, name) => sum + going(name), 0);
  ok(all() <= IN_FLIGHT_OF_ALL && all() > IN_FLIGHT_OF_ALL / 2);
  ok(going(names[0]!) === IN_FLIGHT && going(names[7]!) >= 8, names.map(going).join());
  // What the first ones give back goes to those that have less.
  for (const name of names.slice(0, 4)) {
    for (const each of entered[name]!.slice(0, 60)) goingOf(each).leave(ANSWERED);
  }
  await settle();
  ok(names.slice(4).every((name) => going(name) >= 50), names.map(going).join());
  ok(origins.stats().inFlight <= IN_FLIGHT_OF_ALL);
});

Deno.test("origins: of a hundred that wait for a place nobody is forgotten", async () => {
  const { enter, pass, origins } = openOrigins();
  const names = Array.from({ length: 100 }, (_, n) => `https://${n}.example`), entered: { turn?: Turn }[] = [];
  for (const origin of names) await pass(ANSWERED, { origin });
  for (const origin of names) for (let n = 0; n < 20; n++) entered.push(await enter({ origin }));
  ok(origins.stats().waiting > 1_000);
  for (let left = 0; left < entered.length;) {
    const going = entered.filter(({ turn }) => turn).slice(left);
    ok(going.length > 0);
    for (const each of going) goingOf(each).leave(ANSWERED);
    left += going.length;
    await settle();
  }
  equal([origins.stats().inFlight, origins.stats().waiting], [0, 0]);
});

Deno.test("origins: strangers have 64 of the places for all, and wait for none: who is known goes at once", async () => {
  const { clock, enter, pass, origins } = openOrigins();
  await pass(ANSWERED, { origin: "https://proven.example" });
  const stranger = (n: number) => enter({ origin: `https://${n}.example`, confirmed: false });
  const strangers = await Promise.all(Array.from({ length: 3 * STRANGERS_OF_ALL }, (_, n) => stranger(n)));
  equal([origins.stats().inFlight, origins.stats().waiting], [STRANGERS_OF_ALL, 0]);
  equal(strangers.at(-1)!.turn, { go: false, at: clock.now() + 10_000 });
  const known = await Promise.all(Array.from({ length: IN_FLIGHT }, () => enter({ origin: "https://proven.example" })));
  ok(statesOf(known).every((state) => state === "goes"));
  // A push service that nobody has heard of since the start, or since it failed.
  equal(stateOf(await enter({ origin: "https://fcm.example" })), "goes");
  goingOf(strangers[0]!).leave(ANSWERED);
  equal([stateOf(await stranger(0)), stateOf(await stranger(1_000)), stateOf(await stranger(1_001))], [
    "goes",
    "goes",
    "refused",
  ]);
});

Deno.test("origins: a stranger does not wait for the one that tries, who is known does", async () => {
  const { clock, enter } = openOrigins();
  const first = await enter({ confirmed: false });
  equal((await enter({ confirmed: false })).turn, { go: false, at: clock.now() + 1_000 });
  const known = await enter();
  equal(stateOf(known), "waits");
  goingOf(first).leave(ANSWERED);
  await settle();
  equal(statesOf([known, await enter({ confirmed: false })]), ["goes", "goes"]);
});

Deno.test("origins: a stranger is not the one that tries whether our key is taken again", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  await pass({ origin: "answered", key: "refused" });
  clock.advance(KEY_PAUSE);
  equal((await enter({ confirmed: false })).turn, { go: false, at: clock.now() + 10_000 });
  await pass({ origin: "answered", key: "accepted" });
  equal(stateOf(await enter({ confirmed: false })), "goes");
});

Deno.test("origins: a failure of an unproven one opens it; whoever waits is told when to come", async () => {
  const { clock, enter } = openOrigins();
  const first = await enter(), second = await enter();
  goingOf(first).leave(FAILED);
  await settle();
  const until = { go: false as const, at: clock.now() + 1_000 };
  equal([second.turn, (await enter()).turn], [until, until]);
  equal(stateOf(await enter({ origin: "https://b.example" })), "goes");
});

Deno.test("origins: half open one alone tries; it closes it, or opens it for longer", async () => {
  const { clock, enter } = openOrigins();
  goingOf(await enter()).leave(FAILED);
  clock.advance(1_000);
  const probe = await enter(), behind = await enter();
  equal(statesOf([probe, behind]), ["goes", "waits"]);
  goingOf(probe).leave(FAILED);
  await settle();
  equal(behind.turn, { go: false, at: clock.now() + 2_000 });
  clock.advance(2_000);
  const second = await enter(), more = [await enter(), await enter()];
  goingOf(second).leave(ANSWERED);
  await settle();
  equal(statesOf(more), ["goes", "goes"]);
});

Deno.test("origins: five failures in a row open a proven one; of those in flight then, none counts any more", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  const going = await Promise.all(Array.from({ length: 30 }, () => enter()));
  for (const entered of going.slice(0, 4)) goingOf(entered).leave(FAILED);
  goingOf(await enter()).leave({ origin: "silent" });
  goingOf(going[4]!).leave(FAILED);
  const until = { go: false as const, at: clock.now() + 1_000 };
  equal((await enter()).turn, until);
  for (const entered of going.slice(5, 20)) goingOf(entered).leave(FAILED);
  for (const entered of going.slice(20)) goingOf(entered).leave(ANSWERED);
  equal((await enter()).turn, until);
  clock.advance(1_000);
  equal(statesOf([await enter(), await enter()]), ["goes", "waits"]);
});

Deno.test("origins: an endpoint that was told to wait waits alone", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  await pass({ origin: "answered", wait: 90_000 }, { endpoint: "slow" });
  equal((await enter({ endpoint: "slow" })).turn, { go: false, at: clock.now() + 90_000 });
  equal(stateOf(await enter({ endpoint: "other" })), "goes");
  clock.advance(90_000);
  equal(stateOf(await enter({ endpoint: "slow" })), "goes");
});

Deno.test("origins: ten different ones in a row that are told to wait mean the origin, one again and again does not", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  for (let n = 0; n < 2 * TOLD; n++) {
    await pass({ origin: "failed", wait: 1 }, { endpoint: "same" });
    clock.advance(1);
  }
  for (let n = 1; n < TOLD; n++) await pass({ origin: "failed", wait: 30_000 });
  equal((await enter()).turn, { go: false, at: clock.now() + 30_000 });
});

Deno.test("origins: an answer in between ends the row, and what an origin asks for is bounded", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  for (let n = 0; n < 10; n++) {
    for (let m = 1; m < TOLD; m++) await pass({ origin: "answered", wait: 60_000 });
    await pass(ANSWERED);
  }
  for (let n = 0; n < TOLD; n++) await pass({ origin: "answered", wait: 86_400_000 });
  equal((await enter()).turn, { go: false, at: clock.now() + LONGEST_PAUSE });
});

Deno.test("origins: a key that is refused is paused at that origin alone, other keys are not", async () => {
  const { clock, enter, pass, refusals } = openOrigins();
  await pass({ origin: "answered", key: "refused" });
  equal((await enter()).turn, { go: false, at: clock.now() + KEY_PAUSE });
  equal(stateOf(await enter({ key: "other" })), "goes");
  equal(stateOf(await enter({ origin: "https://b.example" })), "goes");
  equal(refusals.map(({ origin, key }) => [origin, key]), [["https://a.example", "k"]]);
  clock.advance(KEY_PAUSE);
  await pass({ origin: "answered", key: "refused" });
  equal(refusals.length, 1);
});

Deno.test("origins: one subscription that is refused where others are not waits alone", async () => {
  const { clock, enter, pass, refusals } = openOrigins();
  await pass({ origin: "answered", key: "accepted" });
  await pass({ origin: "answered", key: "refused" }, { endpoint: "strange" });
  equal((await enter({ endpoint: "strange" })).turn, { go: false, at: clock.now() + KEY_PAUSE });
  equal([stateOf(await enter()), refusals.length], ["goes", 0]);
});

Deno.test("origins: subscriptions that were never confirmed may be refused as often as they like, each waits alone", async () => {
  const { clock, enter, pass, refusals } = openOrigins();
  for (let n = 0; n < 100; n++) {
    await pass({ origin: "answered", key: "refused" }, { endpoint: `new ${n}`, confirmed: false });
  }
  equal((await enter({ endpoint: "new 7" })).turn, { go: false, at: clock.now() + KEY_PAUSE });
  equal([stateOf(await enter()), refusals.length], ["goes", 100]);
});

Deno.test("origins: a key's pause shows in the gauge", async () => {
  const { clock, origins, pass } = openOrigins();
  await pass({ origin: "answered", key: "accepted" });
  equal(origins.stats().open, 0);
  for (let n = 0; n < 3; n++) await pass({ origin: "answered", key: "refused" });
  equal(origins.stats().open, 1);
  clock.advance(KEY_PAUSE);
  equal(origins.stats().open, 0);
});

Deno.test("origins: after a key's pause one alone tries, the others are told to come soon", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(ANSWERED);
  await pass({ origin: "answered", key: "refused" });
  clock.advance(KEY_PAUSE);
  const probe = await enter(), behind = await enter();
  equal(statesOf([probe, behind]), ["goes", "refused"]);
  goingOf(probe).leave({ origin: "answered", key: "accepted" });
  equal(statesOf([await enter(), await enter()]), ["goes", "goes"]);
});

Deno.test("origins: the wall clock tells when to come again, and decides nothing", async () => {
  const { clock, enter, pass } = openOrigins();
  await pass(FAILED);
  clock.jump(-3_600_000);
  equal((await enter()).turn, { go: false, at: clock.now() + 1_000 });
  clock.jump(7_200_000);
  equal((await enter()).turn, { go: false, at: clock.now() + 1_000 });
});

Deno.test("origins: quiet ones are forgotten, busy ones are not", async () => {
  const { clock, origins, enter, pass } = openOrigins();
  for (let n = 0; n < 50; n++) await pass(ANSWERED, { origin: `https://${n}.example` });
  await enter({ origin: "https://busy.example" });
  equal(origins.stats().origins, 51);
  clock.advance(14 * 60_000);
  origins.tick();
  equal(origins.stats().origins, 51);
  clock.advance(60_000);
  origins.tick();
  equal([origins.stats().origins, origins.stats().open, origins.stats().inFlight], [1, 0, 1]);
});

Deno.test("origins: of very many the least recently used idle one is forgotten", async () => {
  const { origins, enter, pass } = openOrigins();
  const busy = await enter({ origin: "https://busy.example" });
  for (let n = 0; n < MAX_ORIGINS + 100; n++) await pass(FAILED, { origin: `https://${n}.example` });
  equal(origins.stats().origins, MAX_ORIGINS);
  equal(stateOf(await enter({ origin: "https://0.example" })), "goes");
  equal(stateOf(await enter({ origin: `https://${MAX_ORIGINS}.example` })), "refused");
  equal(stateOf(await enter({ origin: "https://busy.example" })), "waits");
  goingOf(busy).leave(ANSWERED);
});
