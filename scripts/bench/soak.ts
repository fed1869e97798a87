/** A million events to a hundred streams while ten thousand others come and go: memory must level off, nothing be missed. */
import { churn } from "./churn.ts";
import { type Following, followStream } from "./follow_stream.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import { residentMb, watchCores } from "./process_usage.ts";
import { progress, type Report } from "./report.ts";
import { median, round } from "./statistics.ts";
import { signAccess, signSet } from "./tokens.ts";
import { type BenchWorker, startWorker } from "./worker.ts";

const STREAMS = 100;
const EVENTS = 1_000_000;
const CHURNED = 10_000;
const CHANGES_A_SET = 200;
const TOPICS = 1_000;

/** Seconds; the events are spread over them evenly. */
const LASTS = 200;

/**
 * As an edge isolate has it. With all of the machine's memory V8 collects once a minute, and the saw-tooth of its own
 * garbage, 290 to 490 MB, hides whatever else may grow.
 */
const HEAP = ["--v8-flags=--max-old-space-size=256"];

/** Of the run: what memory grows to in the first tenth is not judged. */
const PARTS = 10;

/** Seconds that streams may lag behind at the end. */
const PATIENCE = 15;

export async function soak({ quick }: { quick: boolean }): Promise<Report> {
  const share = quick ? 0.1 : 1;
  const sets = EVENTS * share / CHANGES_A_SET, seconds = LASTS * share;
  await using worker = await startWorker({ flags: HEAP });
  const token = await signAccess(worker, "subscribe");
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => followStream(worker.port, { token })));
  const cores = watchCores(worker.pid, Deno.pid);
  const memory = sampleMemory(worker.pid, seconds, streams);
  const [, churned] = await Promise.all([
    publishEvenly(worker, sets, seconds),
    churn({
      port: worker.port,
      token: await signAccess(worker, "subscribe", "churn"),
      count: CHURNED * share,
      seconds,
      topics: TOPICS,
    }),
  ]);
  const parts = perPart(await memory);
  const busy = cores();
  await settle(streams, sets * CHANGES_A_SET);
  const missed = streams.map(({ events }) => sets * CHANGES_A_SET - events).filter((short) => short !== 0).length;
  await Promise.all(streams.map((stream) => stream.close()));
  return toReport({ share, parts, streams, missed, churned, busy });
}

async function publishEvenly(worker: BenchWorker, sets: number, seconds: number): Promise<void> {
  const connection = await openKeepAlive(worker.port), begun = performance.now();
  for (let set = 0; set < sets; set++) {
    const topics = Array.from({ length: CHANGES_A_SET }, (_, index) => `t/${(set * CHANGES_A_SET + index) % TOPICS}`);
    const headers = { "Content-Type": "application/secevent+jwt" };
    const request = printRequest("POST", "/-/events", headers, await signSet(worker, topics));
    await sleep(begun + set * seconds * 1000 / sets - performance.now());
    await connection.send(request);
  }
  connection.close();
}

/** Once a second; answers MB. */
async function sampleMemory(pid: number, seconds: number, streams: Following[]): Promise<number[]> {
  const samples: number[] = [];
  const begun = performance.now();
  for (let second = 1; second <= seconds; second++) {
    await sleep(begun + second * 1000 - performance.now());
    samples.push(residentMb(pid));
    if (second % 20 === 0) {
      const events = Math.min(...streams.map((stream) => stream.events));
      progress(`soak: ${second} s, ${round(samples.at(-1)!)} MB, ${events} events on the slowest stream`);
    }
  }
  return samples;
}

function perPart(samples: number[]): number[] {
  const size = samples.length / PARTS;
  return Array.from({ length: PARTS }, (_, part) => median(samples.slice(part * size, (part + 1) * size)));
}

async function settle(streams: Following[], expected: number): Promise<void> {
  for (let tries = 0; tries < PATIENCE * 10 && streams.some(({ events }) => events < expected); tries++) {
    await sleep(100);
  }
}

type Findings = {
  share: number;
  parts: number[];
  streams: Following[];
  missed: number;
  churned: { opened: number; resumed: number; events: number };
  busy: number[];
};

function toReport({ share, parts, streams, missed, churned, busy }: Findings): Report {
  const growth = parts.at(-1)! / parts[1]!;
  const events = streams.reduce((sum, stream) => sum + stream.events, 0);
  const resumed = streams.reduce((sum, stream) => sum + stream.resumed, 0);
  return {
    bench: "soak",
    table: [
      ["tenth of the run", ...parts.map((_, part) => `${part + 1}`)],
      ["worker's memory, MB", ...parts.map((part) => `${Math.round(part)}`)],
    ],
    figures: {
      second_tenth_mb: parts[1]!,
      last_tenth_mb: parts.at(-1)!,
      events_read: events,
      streams_resumed: resumed,
      churned: churned.opened,
      churned_resumed: churned.resumed,
      churned_events: churned.events,
      worker_cores: busy[0]!,
      bench_cores: busy[1]!,
    },
    marks: [
      { name: "memory_growth", value: growth, atMost: 1.15 },
      { name: "streams_that_missed_events", value: missed, atMost: 0 },
      { name: "streams_opened_and_closed", value: churned.opened, atLeast: CHURNED * share },
    ],
  };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
