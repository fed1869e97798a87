/** Several isolates on one denokv: what they publish, carry and deliver together, and what it costs that each follows all. */
import { type Delivered, deliverFromCell } from "./cell_deliveries.ts";
import { follow, type Followed } from "./cell_following.ts";
import { MANY, type Published, publishToCell } from "./cell_publish.ts";
import { streamsOfCell } from "./cell_streams.ts";
import { startCell } from "./cell.ts";
import { changesToStream, PER_SECOND } from "./changes_to_stream.ts";
import { startPushRecorder } from "./push_recorder.ts";
import { progress, type Report } from "./report.ts";
import { compileLoad, type LoadResult } from "./sse_load.ts";
import { quantile, round } from "./statistics.ts";

const ISOLATES = [1, 2, 4];

/** `share` of the publishing; seconds of the rest. */
const WHOLE = { share: 1, streams: 6_000, rounds: 300, deliveries: 15, latency: 20, following: 10 };
const QUICK = { share: 0.1, streams: 600, rounds: 50, deliveries: 4, latency: 3, following: 3 };

type Size = typeof WHOLE;
type Measured = { published: Published; streams: LoadResult; delivered: Delivered };

export async function cluster({ quick }: { quick: boolean }): Promise<Report> {
  const size = quick ? QUICK : WHOLE;
  await compileLoad();
  const cells: Measured[] = [];
  for (const isolates of ISOLATES) cells.push(await measure(isolates, size));
  const across = await measureAcross(size.latency), followed = await follow(size.following);
  const figures = { ...across, ...followingFigures(followed) };
  const row = (name: string, of: (cell: Measured) => number) => [name, ...cells.map((cell) => `${round(of(cell))}`)];
  return {
    bench: "cluster",
    table: [["isolates", ...ISOLATES.map(String)], ...rows(row)],
    figures: { ...cellFigures(cells), ...figures },
    marks: [
      { name: "events_missed", value: Math.max(...cells.map(missedOf), across.across_missed), atMost: 0 },
      { name: "across_p50_ms", value: across.across_p50_ms, atMost: 15 },
      { name: "delivered_changes_per_s", value: Math.max(...cells.map(deliveredOf)), atLeast: 10_000 },
      { name: "pushes_missed", value: Math.max(...cells.map(({ delivered }) => delivered.missed)), atMost: 0 },
      { name: "eight_writers_over_two", value: figures.eight_writers_over_two, atMost: 2 },
    ],
    notes: [
      `from a publisher at one isolate to a stream at another, ${PER_SECOND}/s: p50 ${
        round(across.across_p50_ms)
      } ms, p99 ${round(across.across_p99_ms)} ms`,
      ...followed.map(describeFollowed),
      ...denokvNote(),
    ],
  };
}

async function measure(isolates: number, size: Size): Promise<Measured> {
  progress(`cluster: ${isolates} isolates`);
  const published = await publishToCell(isolates, size.share);
  const streams = await streamsOfCell(isolates, size.streams, size.rounds);
  await using recorder = await startPushRecorder();
  return { published, streams, delivered: await deliverFromCell(isolates, recorder, size.deliveries) };
}

async function measureAcross(seconds: number) {
  await using cell = await startCell(2);
  const [to, at] = cell.workers;
  const { toEvent, missed } = await changesToStream(to!, at!, seconds);
  return {
    across_p50_ms: quantile(toEvent, 0.5),
    across_p99_ms: quantile(toEvent, 0.99),
    across_missed: missed,
  };
}

function rows(row: (name: string, of: (cell: Measured) => number) => string[]): string[][] {
  return [
    row("SETs/s of one change", ({ published }) => published.one.setsPerSecond),
    row("  an isolate, cores", ({ published }) => mean(published.one.workers)),
    row("  denokv, cores", ({ published }) => published.one.database),
    row(`changes/s, SETs of ${MANY}`, ({ published }) => published.many.changesPerSecond),
    row("  an isolate, cores", ({ published }) => mean(published.many.workers)),
    row("  denokv, cores", ({ published }) => published.many.database),
    row("  missed by streams, both", missedOf),
    row("streams of the cell", ({ streams }) => streams.streams),
    row("  events written/s", ({ streams }) => streams.deliveries_per_s),
    row("  KB each", ({ streams }) => streams.rss_idle_kb_per_stream),
    row("changes/s to the last push", deliveredOf),
    row("  change to push, p50 ms", ({ delivered }) => quantile(delivered.lags, 0.5)),
    row("  p99 ms", ({ delivered }) => quantile(delivered.lags, 0.99)),
    row("  an isolate, cores", ({ delivered }) => delivered.cores.worker),
    row("  denokv, cores", ({ delivered }) => delivered.cores.denokv),
  ];
}

function cellFigures(cells: Measured[]): Record<string, number> {
  const entries = cells.flatMap(({ published, streams, delivered }, index) =>
    [
      [`sets_per_s_${ISOLATES[index]}`, published.one.setsPerSecond],
      [`changes_per_s_${ISOLATES[index]}`, published.many.changesPerSecond],
      [`events_per_s_${ISOLATES[index]}`, streams.deliveries_per_s],
      [`kb_per_stream_${ISOLATES[index]}`, streams.rss_idle_kb_per_stream],
      [`delivered_changes_per_s_${ISOLATES[index]}`, delivered.changesPerSecond],
      [`push_p99_ms_${ISOLATES[index]}`, quantile(delivered.lags, 0.99)],
    ] as const
  );
  return Object.fromEntries(entries);
}

function followingFigures(followed: Followed[]) {
  const [idle, two, eight, same] = followed as [Followed, Followed, Followed, Followed];
  return {
    idle_cores: idle.cell,
    two_writers_cores: two.cell,
    eight_writers_cores: eight.cell,
    eight_writers_commits_per_s: eight.commits,
    eight_writers_over_two: eight.cell / two.cell,
    eight_writers_over_two_of_the_same_load: eight.cell / same.cell,
  };
}

function describeFollowed({ writers, perSecond, commits, cell, worker, denokv }: Followed): string {
  return `a cell of 8, ${writers} writers of ${perSecond} SETs/s: ${round(commits)} commits/s, ${
    round(cell)
  } cores, of which ${round(worker)} an isolate, ${round(denokv)} denokv`;
}

/** By 127.0.0.1 the kernel holds back acknowledgements. */
function denokvNote(): string[] {
  if (Deno.env.has("CARILLON_DENOKV_HOST")) return [];
  return ["denokv is at 127.0.0.1, where large commits wait 44 ms: set CARILLON_DENOKV_HOST as docs/scaling.md says"];
}

function missedOf({ published }: Measured): number {
  return published.one.missed + published.many.missed;
}

function deliveredOf({ delivered }: Measured): number {
  return delivered.changesPerSecond;
}

function mean(values: number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
