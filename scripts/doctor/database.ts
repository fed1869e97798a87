/** How long the database takes to be read: what `/-/ready`, which reads it, takes longer than `/-/healthy`. */
import { median } from "../bench/statistics.ts";
import type { Deployment } from "./deployment.ts";
import { ok, type Verdict, warn } from "./verdict.ts";

const TIMES = 5;

/** Milliseconds. A change is committed before it is acknowledged, and each commit costs more than a read. */
const SLOW = 50;

export async function checkDatabase(deployment: Deployment): Promise<Verdict> {
  const healthy = median(await ask(deployment, "/-/healthy")), ready = median(await ask(deployment, "/-/ready"));
  const read = Math.max(0, ready - healthy), measured = `a read takes ${read.toFixed(1)} ms`;
  if (read < SLOW) return ok(measured);
  return warn(
    measured,
    "Move the database near the worker: the same machine or region; see Latency in docs/scaling.md.",
  );
}

/** Milliseconds of each time. */
async function ask({ request, elapsed }: Deployment, path: string): Promise<number[]> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const began = elapsed();
    await (await request(path)).body?.cancel();
    times.push(elapsed() - began);
  }
  return times;
}
