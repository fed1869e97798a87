/** One event to thousands of streams, against nchan and a bare loop of writes in the same run, and what an idle stream costs in memory. */
import { carillonTarget, OPEN, plainTarget } from "./fanout_targets.ts";
import { median, quantile, round } from "./statistics.ts";
import { HOW_TO_INSTALL, startNchan } from "./nchan.ts";
import { type Mark, progress, type Report } from "./report.ts";
import { compileLoad, type Load, type LoadResult, runLoad, type Target } from "./sse_load.ts";
import { startWorker } from "./worker.ts";
import { startWriteLoop } from "./write_loop.ts";

const STREAMS = 5_000;
const IDLE_STREAMS = 15_000;
const TURNS = 5;
const WINDOWS = [1, 10];

/** So many events last some seconds at the speed that is expected. */
const ROUNDS = { carillon: { 1: 80, 10: 700 }, nchan: { 1: 80, 10: 100 }, loop: { 1: 80 } } as Record<
  string,
  Record<number, number>
>;

/** Above this share of a core the client, one thread, is the bottleneck. */
const CLIENT_BUSY = 0.95;

type Results = Map<string, LoadResult[]>;

export async function fanout({ quick }: { quick: boolean }): Promise<Report> {
  await compileLoad();
  const size = quick
    ? { streams: 1_000, idle: 2_000, turns: 1 }
    : { streams: STREAMS, idle: IDLE_STREAMS, turns: TURNS };
  const results: Results = new Map();
  const hasNchan = await measureSpeed(results, size);
  await measureMemory(results, size);
  const figures = toFigures(results), servers = hasNchan ? ["carillon", "nchan"] : ["carillon"];
  return {
    bench: "fanout",
    table: [
      HEADING,
      toRow("loop", 1, results),
      ...WINDOWS.flatMap((window) => servers.map((name) => toRow(name, window, results))),
    ],
    figures,
    marks: toMarks(figures),
    notes: toNotes(results, hasNchan, size.idle),
  };
}

async function measureSpeed(results: Results, { streams, turns }: { streams: number; turns: number }) {
  await using worker = await startWorker({ env: OPEN });
  await using nchan = await startNchan();
  await using loop = await startWriteLoop();
  const targets: [string, Target][] = [["carillon", await carillonTarget(worker)]];
  if (nchan) targets.push(["nchan", plainTarget(nchan)]);
  // Rounds of code that is not compiled yet would be charged to the first turn.
  for (const [, target] of targets) await runLoad(target, { streams, rounds: 20, window: 10 });
  const run = (name: string, target: Target, window: number) =>
    measure(`${name} ${window}`, target, { streams, rounds: ROUNDS[name]![window]!, window }, results);
  for (let turn = 1; turn <= turns; turn++) {
    // It joins nothing, so that several outstanding events gain it nothing.
    await run("loop", plainTarget(loop), 1);
    for (const window of WINDOWS) for (const [name, target] of targets) await run(name, target, window);
  }
  return nchan !== undefined;
}

/** Memory is measured on processes that served nobody before. */
async function measureMemory(results: Results, { idle, turns }: { idle: number; turns: number }): Promise<void> {
  const load = { streams: idle, rounds: 1, window: 1 };
  for (let turn = 0; turn < Math.min(turns, 3); turn++) {
    await using worker = await startWorker({ env: OPEN });
    await measure("carillon idle", await carillonTarget(worker), load, results);
    await using nchan = await startNchan();
    if (nchan) await measure("nchan idle", plainTarget(nchan), load, results);
  }
}

async function measure(name: string, target: Target, load: Load, results: Results): Promise<void> {
  const result = await runLoad(target, load);
  const { deliveries_per_s, rss_idle_kb_per_stream, client_cores } = result;
  progress(
    `fanout: ${name}: ${deliveries_per_s} deliveries/s, ${rss_idle_kb_per_stream} KB a stream, client ${client_cores} cores`,
  );
  results.set(name, [...results.get(name) ?? [], result]);
}

const HEADING = [
  "server, window",
  "deliveries/s",
  "lowest",
  "highest",
  "event to all, p50 ms",
  "server us each",
  "server cores",
  "client cores",
  "healthy p50 ms",
  "p99 ms",
];

function toRow(name: string, window: number, results: Results): string[] {
  const runs = results.get(`${name} ${window}`) ?? [];
  const of = (pick: (run: LoadResult) => number) => round(median(runs.map(pick)));
  const speeds = runs.map((run) => run.deliveries_per_s), healthy = runs.flatMap((run) => run.healthy);
  const figures = [
    of((run) => run.deliveries_per_s),
    Math.min(...speeds),
    Math.max(...speeds),
    of((run) => run.broadcast_ms_p50),
    of((run) => run.server_cpu_us_per_delivery),
    of((run) => run.server_cores),
    of((run) => run.client_cores),
    round(quantile(healthy, 0.5)),
    round(quantile(healthy, 0.99)),
  ];
  return [`${name}, ${window}`, ...figures.map(String)];
}

function toFigures(results: Results): Record<string, number> {
  const of = (name: string, pick: (run: LoadResult) => number) => median((results.get(name) ?? []).map(pick));
  const healthy = WINDOWS.flatMap((window) => results.get(`carillon ${window}`) ?? []).flatMap((run) => run.healthy);
  const speed = (name: string) => of(name, (run) => run.deliveries_per_s);
  const idle = (name: string) => of(name, (run) => run.rss_idle_kb_per_stream);
  return {
    carillon_1: speed("carillon 1"),
    carillon_10: speed("carillon 10"),
    nchan_1: speed("nchan 1"),
    nchan_10: speed("nchan 10"),
    loop_1: speed("loop 1"),
    ratio_1: ratio(results, "nchan 1"),
    ratio_10: ratio(results, "nchan 10"),
    ratio_loop_1: ratio(results, "loop 1"),
    carillon_idle_kb: idle("carillon idle"),
    nchan_idle_kb: idle("nchan idle"),
    healthy_p50_ms: quantile(healthy, 0.5),
    healthy_p99_ms: quantile(healthy, 0.99),
    client_cores_10: of("carillon 10", (run) => run.client_cores),
  };
}

/** Turn by turn: what else the machine did then slowed both of them. */
function ratio(results: Results, other: string): number {
  const theirs = results.get(other) ?? [], ours = results.get(other.replace(/\w+/, "carillon")) ?? [];
  return median(theirs.map((run, turn) => ours[turn]!.deliveries_per_s / run.deliveries_per_s));
}

/** Without nchan its ratios are NaN, which hold for nobody: what was not measured is not met. */
function toMarks(figures: Record<string, number>): Mark[] {
  return [
    { name: "ratio_10", value: figures["ratio_10"]!, atLeast: 8 },
    { name: "ratio_1", value: figures["ratio_1"]!, atLeast: 1.2 },
    { name: "ratio_loop_1", value: figures["ratio_loop_1"]!, atLeast: 0.6 },
    { name: "idle_kb_per_stream", value: figures["carillon_idle_kb"]!, atMost: 14 },
    { name: "healthy_p99_ms", value: figures["healthy_p99_ms"]!, atMost: 30 },
  ];
}

function toNotes(results: Results, hasNchan: boolean, idle: number): string[] {
  const kb = (name: string) => round(median((results.get(name) ?? []).map((run) => run.rss_idle_kb_per_stream)));
  const busy = [...results].filter(([, runs]) => median(runs.map((run) => run.client_cores)) > CLIENT_BUSY);
  return [
    `idle, ${idle} streams: carillon ${kb("carillon idle")} KB a stream${
      hasNchan ? `, nchan ${kb("nchan idle")} KB` : ""
    }`,
    ...busy.map(([name]) => `the load client was the bottleneck: ${name}`),
    ...(hasNchan ? [] : [HOW_TO_INSTALL]),
  ];
}
