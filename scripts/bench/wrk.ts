/** wrk, a load client in C of one thread: many requests over connections that are kept. */
import { join } from "node:path";
import { CACHE } from "./paths.ts";
import { runTimed } from "./timed_command.ts";

const HOW_TO_INSTALL = "is wrk installed: apt-get install wrk";

export type Requested = { method: string; headers?: Record<string, string>; body?: string };

/** Milliseconds; `failed` were not answered, or not with 2xx. */
export type WrkResult = { perSecond: number; p50: number; p99: number; failed: number; clientCores: number };

/** Sends one request again and again for some seconds. Throws how to install it. */
export async function runWrk(
  url: string,
  requested: Requested,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<WrkResult> {
  await Deno.mkdir(CACHE, { recursive: true });
  const script = join(CACHE, "wrk.lua");
  await Deno.writeTextFile(script, printScript(requested));
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const { text, cores } = await runTimed("wrk", args).catch((thrown) => {
    throw new Error(`${thrown.message}: ${HOW_TO_INSTALL}`);
  });
  return { ...JSON.parse(text.trim().split("\n").at(-1)!), clientCores: cores };
}

/** wrk counts in microseconds. */
function printScript({ method, headers = {}, body = "" }: Requested): string {
  const fields = Object.entries(headers).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`);
  return `wrk.method = ${lua(method)}
${fields.join("\n")}
${body && `wrk.body = ${lua(body)}`}
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"perSecond": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
    summary.requests * 1e6 / summary.duration, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

/** Lua reads the escapes of JSON that these texts have. */
const lua = (text: string) => JSON.stringify(text);
