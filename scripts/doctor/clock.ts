/** The clock, by the Date of an answer (RFC 9110 6.6.1). A proxy may put its own there: the ring shows the worker's. */
import { CLOCK_TOLERANCE } from "../../src/access/jwt.ts";
import type { Deployment } from "./deployment.ts";
import { CLOCK } from "./refusal.ts";
import { fail, ok, skip, type Verdict, warn } from "./verdict.ts";

/** Milliseconds. Date has whole seconds. */
const SECOND = 1_000;

/** Seconds that are worth a word. */
const NOTABLE = 5;

export async function checkClock({ request, now }: Deployment): Promise<Verdict> {
  const sent = now(), response = await request("/-/healthy"), received = now();
  await response.body?.cancel();
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return skip("the answer has no Date", "Let the proxy pass the Date of answers on.");
  const seconds = Math.round(offset(date, sent, received) / SECOND);
  if (seconds === 0) return ok("it has our time");
  const measured = `its clock is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"} ours`;
  if (Math.abs(seconds) > CLOCK_TOLERANCE) return fail(`${measured}: tokens will be refused`, CLOCK);
  return Math.abs(seconds) > NOTABLE ? warn(measured, CLOCK) : ok(measured);
}

/** The least that explains what was seen: the answer was made between `sent` and `received`, in the second of `date`. */
export function offset(date: number, sent: number, received: number): number {
  if (date > received) return date - received;
  return Math.min(0, date + SECOND - sent);
}
