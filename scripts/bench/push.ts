/** The push service: how much it takes, how soon a reader has it, and what bogus pushes do to good ones. */
import { measurePushes, type Pushed } from "./push_load.ts";
import { makeSender, subscribeMany } from "./push_requests.ts";
import { PER_SECOND, pushSteadily, type Steady } from "./push_steady.ts";
import { pushUnderFlood, type UnderFlood } from "./push_under_flood.ts";
import { progress, type Report } from "./report.ts";
import { median, quantile, round } from "./statistics.ts";
import { startWorker } from "./worker.ts";

/** A flood of so many seconds has 100,000 bogus pushes. */
const WHOLE = { rounds: 3, subscriptions: 400, seconds: 20, flooded: 110 };
const QUICK = { rounds: 1, subscriptions: 50, seconds: 3, flooded: 5 };

/** The first second, while code is compiled, is not counted. */
const WARM_UP = 1;

export async function push({ quick }: { quick: boolean }): Promise<Report> {
  const { rounds, subscriptions, seconds, flooded } = quick ? QUICK : WHOLE;
  const pushed: Pushed[] = [], floods: UnderFlood[] = [];
  for (let round = 0; round < rounds; round++) pushed.push(await measurePushes(subscriptions));
  const steady = await measureSteady(seconds);
  for (let round = 0; round < rounds; round++) floods.push(await pushUnderFlood(seconds, flooded));
  return {
    bench: "push",
    table: tableOf(steady, floods),
    ...judge(pushed, steady, floods),
    notes: notesOf(pushed, floods),
  };
}

async function measureSteady(seconds: number): Promise<Steady> {
  await using worker = await startWorker();
  const sender = await makeSender(worker), [resources] = await subscribeMany(worker, sender, 1);
  progress(`push: ${PER_SECOND} messages a second for ${seconds} seconds`);
  await pushSteadily(worker, resources!, sender, (second) => second < WARM_UP);
  return await pushSteadily(worker, resources!, sender, (second) => second < seconds);
}

function tableOf(steady: Steady, floods: UnderFlood[]): string[][] {
  return [
    ["milliseconds", "p50", "p90", "p99", "max"],
    ["until the event is read", ...columns(steady.toEvent)],
    ["until the answer, 201", ...columns(steady.toAnswer)],
    ...floods.flatMap(({ before, during }, round) => [
      [`round ${round + 1}, alone: until the event`, ...columns(before.toEvent)],
      ["  among bogus ones", ...columns(during.toEvent)],
    ]),
  ];
}

function judge(pushed: Pushed[], steady: Steady, floods: UnderFlood[]): Pick<Report, "figures" | "marks"> {
  const perSecond = median(pushed.map((run) => run.perSecond)), p50 = quantile(steady.toEvent, 0.5);
  const p99 = (runs: Steady[]) => median(runs.map(({ toEvent }) => quantile(toEvent, 0.99)));
  const alone = p99(floods.map(({ before }) => before)), among = p99(floods.map(({ during }) => during));
  const missed = [steady, ...floods.flatMap(({ before, during }) => [before, during])].map((run) => run.missed);
  return {
    figures: {
      messages_per_s: perSecond,
      worker_cores: median(pushed.map(({ cores }) => cores[0]!)),
      bench_cores: median(pushed.map(({ cores }) => cores[1]!)),
      p50_ms: p50,
      p99_ms: quantile(steady.toEvent, 0.99),
      answer_p50_ms: quantile(steady.toAnswer, 0.5),
      p99_alone_ms: alone,
      p99_among_bogus_ms: among,
      bogus_per_s: median(floods.map(({ flooded }) => flooded.sent / flooded.seconds)),
    },
    marks: [
      { name: "messages_per_s", value: perSecond, atLeast: 3_000 },
      { name: "messages_missed", value: sum(pushed.map((run) => run.missed)) + sum(missed), atMost: 0 },
      { name: "p50_ms", value: p50, atMost: 2 },
      { name: "p99_among_bogus_ratio", value: among / alone, atMost: 2 },
      { name: "bogus_accepted", value: sum(floods.map(({ flooded }) => flooded.sent - flooded.refused)), atMost: 0 },
    ],
  };
}

function notesOf(pushed: Pushed[], floods: UnderFlood[]): string[] {
  const speeds = pushed.map(({ perSecond }) => round(perSecond)).join(", ");
  const sent = floods.map(({ flooded }) => flooded.sent).join(", ");
  return [`messages a second, each round: ${speeds}`, `bogus pushes, each round: ${sent}`];
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

function columns(samples: number[]): string[] {
  return [0.5, 0.9, 0.99, 1].map((q) => quantile(samples, q).toFixed(2));
}
