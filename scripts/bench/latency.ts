/** Publish to stream, from just before a SET is sent to when its event is read, on the file database; and starting. */
import { changesToStream, PER_SECOND } from "./changes_to_stream.ts";
import { commitAlone } from "./commit_alone.ts";
import { firstAnswer } from "./first_answer.ts";
import { progress, type Report } from "./report.ts";
import { median, quantile } from "./statistics.ts";
import { startWorker } from "./worker.ts";

const WHOLE = { seconds: 20, commits: 500, starts: 20 };
const QUICK = { seconds: 5, commits: 100, starts: 5 };

export async function latency({ quick }: { quick: boolean }): Promise<Report> {
  const { seconds, commits, starts } = quick ? QUICK : WHOLE;
  progress(`latency: ${starts} starts`);
  const started = await firstAnswer(starts);
  const bare = await commitAlone(commits);
  await using worker = await startWorker();
  progress(`latency: ${PER_SECOND} SETs a second for ${seconds} seconds`);
  const { toEvent, toAnswer, missed, cores } = await changesToStream(worker, worker, seconds);
  return {
    bench: "latency",
    table: [
      ["milliseconds", "p50", "p90", "p99", "max"],
      ["until the event is read", ...columns(toEvent)],
      ["until the answer, 202", ...columns(toAnswer)],
      ["a commit alone, this disk", ...columns(bare)],
      ["start to the first answer", ...columns(started)],
    ],
    figures: {
      events: toEvent.length,
      p50_ms: quantile(toEvent, 0.5),
      p90_ms: quantile(toEvent, 0.9),
      p99_ms: quantile(toEvent, 0.99),
      max_ms: Math.max(...toEvent),
      answer_p50_ms: quantile(toAnswer, 0.5),
      answer_p99_ms: quantile(toAnswer, 0.99),
      commit_alone_p50_ms: quantile(bare, 0.5),
      worker_cores: cores[0]!,
      bench_cores: cores[2]!,
    },
    marks: [
      { name: "p50_ms", value: quantile(toEvent, 0.5), atMost: 1 },
      { name: "p99_ms", value: quantile(toEvent, 0.99), atMost: 5 },
      { name: "events_missed", value: missed, atMost: 0 },
      { name: "start_p50_ms", value: median(started), atMost: 250 },
    ],
  };
}

function columns(samples: number[]): string[] {
  return [0.5, 0.9, 0.99, 1].map((q) => quantile(samples, q).toFixed(2));
}
