/** How many pushes a second are stored: over keep-alive connections, many in flight, to many subscriptions. */
import { countMessages } from "./push_count.ts";
import { watchCores } from "./process_usage.ts";
import { sendAll } from "./publish_load.ts";
import { makeSender, printPush, subscribeMany } from "./push_requests.ts";
import { progress } from "./report.ts";
import { startWorker } from "./worker.ts";

/** Fewer for each than a subscription keeps, so that all of them can be counted after. */
const EACH = 75;

/** Of the subscriptions these are read again. */
const COUNTED = 25;

/** `missed` are those that were accepted and are not there; `cores` of the worker and of this process. */
export type Pushed = { perSecond: number; missed: number; cores: number[] };

export async function measurePushes(subscriptions: number): Promise<Pushed> {
  await using worker = await startWorker();
  progress(`push: ${subscriptions * EACH} messages to ${subscriptions} restricted subscriptions`);
  const sender = await makeSender(worker), made = await subscribeMany(worker, sender, subscriptions);
  // What is not compiled yet would be charged to the first second; and a new token comes alone, to be verified once.
  const warmUp = await subscribeMany(worker, sender, subscriptions);
  await sendAll([worker.port], requestsTo(warmUp[0]!.push, sender.authorization, 1));
  await sendAll([worker.port], warmUp.flatMap(({ push }) => requestsTo(push, sender.authorization, 5)));
  const requests = Array.from(
    { length: EACH },
    () => made.flatMap(({ push }) => requestsTo(push, sender.authorization, 1)),
  );
  const whole = requests.flat(), cores = watchCores(worker.pid, Deno.pid), begun = performance.now();
  await sendAll([worker.port], whole);
  const seconds = (performance.now() - begun) / 1000, used = cores();
  const stored = await Promise.all(
    made.slice(0, COUNTED).map((each) => countMessages(worker.port, each.subscription, EACH)),
  );
  const missed = stored.reduce((total, count) => total + Math.abs(EACH - count), 0);
  return { perSecond: whole.length / seconds, missed, cores: used };
}

function requestsTo(path: string, authorization: string, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => printPush(path, authorization));
}
