/** From the start of the process to its first answer, on a database that is there. */
import { join } from "node:path";
import { freshFolder } from "./paths.ts";
import { launchWorker, prepare } from "./worker.ts";

/** Milliseconds, one entry a start. */
export async function firstAnswer(count: number): Promise<number[]> {
  const folder = await freshFolder("start"), file = join(folder, "kv.sqlite3"), took: number[] = [];
  await prepare(file);
  while (took.length < count) took.push(await startOnce(file));
  await Deno.remove(folder, { recursive: true });
  return took;
}

async function startOnce(file: string): Promise<number> {
  const since = performance.now();
  await using worker = await launchWorker({ CARILLON_KV: file });
  const response = await fetch(`${worker.url}/-/healthy`);
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the worker's first answer: ${response.status}`);
  return performance.now() - since;
}
