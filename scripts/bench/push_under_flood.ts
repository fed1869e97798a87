/** What becomes of good pushes while bogus ones come as fast as they can. */
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import type { Flood, Flooded } from "./push_flood.ts";
import { makeSender, subscribeMany } from "./push_requests.ts";
import { pushSteadily, type Steady } from "./push_steady.ts";
import { progress } from "./report.ts";
import { startWorker } from "./worker.ts";

/** Connections of who floods. */
const CONNECTIONS = 16;

/** Seconds that are not counted. */
const WARM_UP = 2;

export type UnderFlood = { before: Steady; during: Steady; flooded: Flooded };

/** So many seconds without, then as long as the flood takes. */
export async function pushUnderFlood(seconds: number, count: number): Promise<UnderFlood> {
  await using worker = await startWorker();
  const sender = await makeSender(worker), [resources] = await subscribeMany(worker, sender, 1);
  const push = (goesOn: (second: number) => boolean) => pushSteadily(worker, resources!, sender, goesOn);
  await push((second) => second < WARM_UP);
  progress(`push: ${seconds} seconds of good pushes, then as many among ${count} bogus ones`);
  const before = await push((second) => second < seconds);
  let isOver = false;
  const task = {
    port: worker.port,
    push: resources!.push,
    authorization: sender.authorization,
    count,
    connections: CONNECTIONS,
  };
  const flooding = startFlood(task).finally(() => isOver = true);
  const during = await push(() => !isOver);
  return { before, during, flooded: await flooding };
}

/** Is nice to the worker and to the good pushes, which have two cores together with it. */
async function startFlood(task: Flood): Promise<Flooded> {
  const script = join(ROOT, "scripts/bench/push_flood.ts");
  const args = ["-n", "19", Deno.execPath(), "run", "-A", script, JSON.stringify(task)];
  const { success, stdout } = await new Deno.Command("nice", { args, stderr: "inherit" }).output();
  if (!success) throw new Error("the flood failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}
