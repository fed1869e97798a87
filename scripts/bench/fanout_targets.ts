/** How the servers of a fan-out are subscribed to and published to. */
import type { Target } from "./sse_load.ts";
import { signAccess } from "./tokens.ts";
import type { BenchWorker } from "./worker.ts";

const HUB = "/.well-known/mercure";

/** A worker that lets anonymous readers in. */
export const OPEN = { CARILLON_ANONYMOUS: "true" };

/** nchan, and the loop of writes. */
export function plainTarget({ port, pid }: { port: number; pid: number }): Target {
  return { port, pid, arguments: ["-s", "/sse", "-P", "/pub"] };
}

/** Published to at the first of the workers; all of them share the streams. */
export async function carillonTarget(worker: BenchWorker, ...others: BenchWorker[]): Promise<Target> {
  const token = await signAccess(worker, "publish");
  const headers = `Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Bearer ${token}`;
  const subscribe = ["-s", `${HUB}?match=bench`], publish = ["-P", HUB, "-X", headers, "-d", "topic=bench&data="];
  return { port: worker.port, pid: worker.pid, others, arguments: [...subscribe, ...publish] };
}
