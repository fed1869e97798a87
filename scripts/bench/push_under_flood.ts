/** What becomes of good pushes while bogus ones come as fast as they can. */
import { flood, type Flooded } from "./push_flood.ts";
import { makeSender, subscribeMany } from "./push_requests.ts";
import { pushSteadily, type Steady } from "./push_steady.ts";
import { progress } from "./report.ts";
import { startWorker } from "./worker.ts";

/** Seconds that are not counted. */
const WARM_UP = 2;

export type UnderFlood = { before: Steady; during: Steady; flooded: Flooded };

/** So many seconds without, and so many with it. */
export async function pushUnderFlood(seconds: number, flooded: number): Promise<UnderFlood> {
  await using worker = await startWorker();
  const sender = await makeSender(worker), [resources] = await subscribeMany(worker, sender, 1);
  const push = (goesOn: (second: number) => boolean) => pushSteadily(worker, resources!, sender, goesOn);
  await push((second) => second < WARM_UP);
  progress(`push: ${seconds} seconds of good pushes, then ${flooded} among bogus ones`);
  const before = await push((second) => second < seconds);
  let isOver = false;
  const task = { port: worker.port, push: resources!.push, authorization: sender.authorization, seconds: flooded };
  const flooding = flood(task).finally(() => isOver = true);
  const during = await push(() => !isOver);
  return { before, during, flooded: await flooding };
}
