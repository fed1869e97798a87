/** Event streams: the first bytes come at once. */
import type { Deployment } from "./deployment.ts";
import { withEvents } from "./events.ts";
import { ok, type Verdict } from "./verdict.ts";

export async function checkStream(deployment: Deployment): Promise<Verdict> {
  const began = deployment.elapsed();
  return await withEvents(
    deployment,
    () => ok(`an event stream begins in ${Math.round(deployment.elapsed() - began)} ms`),
  );
}
