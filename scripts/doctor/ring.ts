/** From end to end: a change is sent, committed, and heard on an event stream, each before the next is sent. */
import type { Credential } from "./credential.ts";
import type { Deployment } from "./deployment.ts";
import { type Events, heldBack, SOON, withEvents } from "./events.ts";
import { refused } from "./refusal.ts";
import { ok, type Verdict, warn } from "./verdict.ts";

const TIMES = 3;

/** Milliseconds. */
const SLOW = 1_000;

export async function checkRing(deployment: Deployment): Promise<Verdict> {
  return await withEvents(deployment, async (events) => {
    let slowest = 0;
    for (let time = 0; time < TIMES; time++) {
      const heard = await ring(deployment, deployment.credential!, events);
      if (typeof heard !== "number") return heard;
      slowest = Math.max(slowest, heard);
    }
    const measured = `${TIMES} changes were heard, each within ${Math.round(slowest)} ms of being sent`;
    return slowest < SLOW
      ? ok(measured)
      : warn(measured, "See what the worker is busy with: /-/metrics, and the database.");
  });
}

/** Milliseconds until it was heard, or why it was not. */
async function ring(
  { request, elapsed }: Deployment,
  credential: Credential,
  events: Events,
): Promise<number | Verdict> {
  const data = crypto.randomUUID(), { path, init } = await credential.ring(data), began = elapsed();
  const response = await request(path, init);
  if (!response.ok) return await refused("the change", response);
  await response.body?.cancel();
  if (await events.until(data, SOON) === "seen") return elapsed() - began;
  return heldBack(`a change was accepted, and not heard within ${SOON} ms`);
}
