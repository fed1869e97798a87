/** A topic with a million subscribers, told by two isolates on one denokv, and ten thousand topics that change at once. */
import { type Cell, startCell } from "./cell.ts";
import { startPushSink } from "./push_sink.ts";
import { progress, type Report } from "./report.ts";
import { type BigTold, tellBig } from "./scale_big.ts";
import { EVERY, MANY, scaleDatabase, SINK_PORT } from "./scale_database.ts";
import { manyChange, type ManyChanged } from "./scale_many.ts";
import { median, quantile, round } from "./statistics.ts";

const ISOLATES = 2;

/** The sink has one core; whoever sends may use both. */
const SINK_CORE = 0;

const WHOLE = 1_000_000;
const QUICK = 20_000;

export async function scale({ quick }: { quick: boolean }): Promise<Report> {
  const subscribers = quick ? QUICK : WHOLE;
  const { folder, bytes } = await scaleDatabase(subscribers);
  await using sink = await startPushSink(SINK_CORE, SINK_PORT);
  await using cell: Cell = await startCell(ISOLATES, { env: sink.env, from: folder });
  progress(`scale: ${MANY} topics change at once`);
  const many = await manyChange(cell, sink);
  progress(`scale: one change to ${subscribers} subscribers`);
  const big = await tellBig(cell, sink, subscribers);
  return toReport({ subscribers, bytes, many, big });
}

type Measured = { subscribers: number; bytes: number; many: ManyChanged; big: BigTold };

function toReport({ subscribers, bytes, many, big }: Measured): Report {
  const memory = Math.max(...big.memory), expected = MANY / EVERY, last = Math.max(...many.pushed);
  const cpu = (big.cores.cell - big.cores.denokv) * big.seconds * 1_000_000 / big.delivered;
  return {
    bench: "scale",
    table: [
      [`${subscribers} subscribers, ${ISOLATES} isolates`, ""],
      ["until all are told, s", `${round(big.seconds)}`],
      ["messages/s", `${round(big.delivered / big.seconds)}`],
      ["messages of each isolate", big.shares.join(", ")],
      ["CPU of a message, isolates, us", `${round(cpu)}`],
      ["an isolate, cores", `${round(big.cores.worker)}`],
      ["denokv, cores", `${round(big.cores.denokv)}`],
      ["most memory of each isolate, MB", big.memory.map(round).join(", ")],
      ["another topic's one subscriber waits, p50 ms", `${round(median(big.waits))}`],
      ["  p99 ms", `${round(quantile(big.waits, 0.99))}`],
      ["the database, bytes a subscriber", `${round(bytes / subscribers)}`],
      [`${MANY} topics at once: accepted, ms`, `${many.accepted}`],
      [`  ${expected} pushes, p50 ms`, `${round(median(many.pushed))}`],
      ["  the last, ms", `${last}`],
    ],
    figures: {
      subscribers,
      seconds: big.seconds,
      messages_per_s: big.delivered / big.seconds,
      us_a_message: cpu,
      memory_mb: memory,
      other_topic_p50_ms: median(big.waits),
      other_topic_p99_ms: quantile(big.waits, 0.99),
      many_accepted_ms: many.accepted,
      many_last_push_ms: last,
    },
    marks: [
      { name: "not_told", value: Math.max(0, subscribers - big.delivered), atMost: 0 },
      { name: "others_not_told", value: big.unheard + expected - many.pushed.length, atMost: 0 },
      { name: "memory_mb", value: memory, atMost: 512 },
      { name: "other_topic_p99_ms", value: quantile(big.waits, 0.99), atMost: 1_000 },
      { name: "many_last_push_ms", value: last, atMost: 5_000 },
    ],
  };
}
