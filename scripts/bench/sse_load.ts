/** The load client, sse_load.c: compiled once, it opens thousands of streams and costs little itself. */
import { join } from "node:path";
import { compile } from "./compile.ts";
import { withFiles } from "./files_limit.ts";
import { probeHealthy } from "./healthy_probe.ts";
import { CACHE } from "./paths.ts";

const PROGRAM = join(CACHE, "sse_load");

/** How a server is subscribed to and published to; `others` share the streams with it. */
export type Target = { port: number; pid: number; arguments: string[]; others?: { port: number; pid: number }[] };

export type Load = { streams: number; rounds: number; window: number };

/** What the client prints, by its own names, and how long another route took meanwhile, milliseconds each. */
export type LoadResult = {
  streams: number;
  rss_idle_kb_per_stream: number;
  deliveries_per_s: number;
  broadcast_ms_p50: number;
  server_cpu_us_per_delivery: number;
  server_cores: number;
  client_cores: number;
  begun_ms: number;
  ended_ms: number;
  healthy: number[];
};

/** Throws when there is no C compiler. */
export async function compileLoad(): Promise<void> {
  await compile("sse_load.c", PROGRAM);
}

/** Opens the streams, publishes the rounds, `window` of them outstanding at once. */
export async function runLoad(target: Target, { streams, rounds, window }: Load): Promise<LoadResult> {
  const size = ["-n", `${streams}`, "-r", `${rounds}`, "-w", `${window}`, "-t", "120"];
  const all = [target, ...target.others ?? []];
  const [ports, pids] = [all.map(({ port }) => port), all.map(({ pid }) => pid)];
  const server = ["-p", ports.join(), "-i", pids.join(), ...target.arguments];
  const stop = probeHealthy(target.port);
  const { success, stdout } = await withFiles(PROGRAM, [...server, ...size], { stderr: "inherit" }).output();
  const samples = await stop();
  if (!success) throw new Error("the load client failed");
  const result = JSON.parse(new TextDecoder().decode(stdout)) as LoadResult;
  // Only while events were outstanding: connecting and leaving are other loads.
  const during = samples.filter(({ at }) => at >= result.begun_ms && at < result.ended_ms);
  return { ...result, healthy: during.map(({ took }) => took) };
}
