/** From a client's 2xx to the event on a stream: what it wrote through the gateway is told of. */
import { printEvent } from "../lib/calendar.ts";
import type { Part } from "./dav_turns.ts";
import { followStream } from "./follow_stream.ts";
import { openKeepAlive, printRequest } from "./keep_alive.ts";
import { progress } from "./report.ts";
import { quantile } from "./statistics.ts";
import { signAccess } from "./tokens.ts";
import { startWorker } from "./worker.ts";
import { CALENDAR, startXandikos } from "./xandikos.ts";

const WHOLE = 200, QUICK = 20;

/** Not counted, while code is compiled. */
const WARM_UP = 10;

export async function changes(quick: boolean): Promise<Part> {
  const count = WARM_UP + (quick ? QUICK : WHOLE);
  progress(`dav: ${count} events are put, each after the one before was told of`);
  const { writing, telling } = await run(count);
  return {
    rows: [["PUT, Xandikos, p50 ms", "", quantile(writing, 0.5).toFixed(2)], [
      "  from its 2xx to the stream, p50 ms",
      "",
      quantile(telling, 0.5).toFixed(2),
    ]],
    figures: {
      put_p50_ms: quantile(writing, 0.5),
      told_p50_ms: quantile(telling, 0.5),
      told_p99_ms: quantile(telling, 0.99),
    },
    marks: [{ name: "told_p50_ms", value: quantile(telling, 0.5), atMost: 20 }],
    notes: [`from a 2xx to the stream, p99: ${quantile(telling, 0.99).toFixed(1)} ms`],
  };
}

async function run(count: number): Promise<{ writing: number[]; telling: number[] }> {
  await using xandikos = await startXandikos();
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: xandikos.url } });
  const told = createTold(), writing: number[] = [], telling: number[] = [];
  const token = await signAccess(worker, "subscribe");
  const stream = await followStream(worker.port, { token, match: worker.url + CALENDAR, onBytes: told.take });
  const connection = await openKeepAlive(worker.port);
  for (let n = 0; n < count; n++) {
    const event = printEvent(`event-${n}`, `${n}`), next = told.next();
    const request = printRequest("PUT", `${CALENDAR}event-${n}.ics`, { "Content-Type": "text/calendar" }, event);
    const since = performance.now();
    await connection.send(request);
    const answered = performance.now();
    writing.push(answered - since);
    telling.push(await next - answered);
  }
  connection.close();
  await stream.close();
  return { writing: writing.slice(WARM_UP), telling: telling.slice(WARM_UP) };
}

/** `next` resolves with when the next event was read. */
function createTold() {
  const decoder = new TextDecoder();
  let waiting = Promise.withResolvers<number>();
  return {
    next: () => (waiting = Promise.withResolvers()).promise,
    take(bytes: Uint8Array): void {
      if (decoder.decode(bytes).includes('"topic"')) waiting.resolve(performance.now());
    },
  };
}
