/** curl, a client in C for one large body. */
import { runTimed } from "./timed_command.ts";

export type CurlResult = { seconds: number; bytes: number; clientCores: number };

/** Sends one request and reads its answer, which goes nowhere. Throws when the status is none of 2xx. */
export async function runCurl(url: string, ...args: string[]): Promise<CurlResult> {
  const printed = "%{time_total} %{size_download} %{size_upload} %{http_code}";
  const { text, cores } = await runTimed("curl", ["-s", "-o", "/dev/null", "-w", printed, ...args, url]);
  const [seconds, down, up, status] = text.split(" ").map(Number) as [number, number, number, number];
  if (status < 200 || status > 299) throw new Error(`curl ${args.join(" ")} ${url}: ${status}`);
  return { seconds, bytes: Math.max(down, up), clientCores: cores };
}
