/** How much can be published: SETs of one change and of many, 50 in flight, while ten streams follow all of it. */
import { type Load, measurePublish, type Outcome } from "./publish_load.ts";
import type { Report } from "./report.ts";
import { round } from "./statistics.ts";
import { startWorker } from "./worker.ts";

const STREAMS = 10;
const MANY = 200;

/** Of many changes each: what a minute holds at the speed that is asked for. */
const ONE = { changes: 1, sets: 30_000, warmUp: 2_000, streams: STREAMS };
const BATCHED = { changes: MANY, sets: 30_000, warmUp: 200, streams: STREAMS };

const ONE_QUICK = { ...ONE, sets: 6_000 };
const BATCHED_QUICK = { ...BATCHED, sets: 1_500 };

export async function publish({ quick }: { quick: boolean }): Promise<Report> {
  const one = await measure(quick ? ONE_QUICK : ONE);
  const many = await measure(quick ? BATCHED_QUICK : BATCHED);
  return {
    bench: "publish",
    table: [
      ["SETs of", "SETs/s", "changes/s", "missed", "streams' lag, ms", "worker cores", "bench cores"],
      row("1 change", one),
      row(`${MANY} changes`, many),
    ],
    figures: { ...figures("one", one), ...figures("many", many) },
    marks: [
      { name: "sets_per_s", value: one.setsPerSecond, atLeast: 4_000 },
      { name: "changes_per_s", value: many.changesPerSecond, atLeast: 100_000 },
      { name: "events_missed", value: one.missed + many.missed, atMost: 0 },
    ],
  };
}

async function measure(load: Load): Promise<Outcome> {
  await using worker = await startWorker();
  return await measurePublish([worker], load);
}

function row(name: string, { setsPerSecond, changesPerSecond, missed, lag, workers, bench }: Outcome): string[] {
  return [
    name,
    ...[setsPerSecond, changesPerSecond, missed, lag, workers[0]!, bench].map((value) => `${round(value)}`),
  ];
}

function figures(name: string, outcome: Outcome): Record<string, number> {
  return {
    [`${name}_sets_per_s`]: outcome.setsPerSecond,
    [`${name}_changes_per_s`]: outcome.changesPerSecond,
    [`${name}_lag_ms`]: outcome.lag,
    [`${name}_worker_cores`]: outcome.workers[0]!,
    [`${name}_bench_cores`]: outcome.bench,
  };
}
