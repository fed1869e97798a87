/** A quiet stream stays: the worker lets it be heard every fifteen seconds, and nothing in front ends it before. */
import type { Deployment } from "./deployment.ts";
import { heldBack, withEvents } from "./events.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

/** Each second the worker lets a fifteenth of its streams be heard, in turn: of so many one waits as long as any does. */
const STREAMS = 15;

/** Milliseconds. */
const PATIENCE = 18_000;

const TIMEOUTS = "Raise the time-outs of what stands in front above 15 s: proxy_read_timeout 1h in nginx.";

export async function checkKeepAlive(deployment: Deployment): Promise<Verdict> {
  const began = deployment.elapsed();
  const verdicts = await Promise.all(Array.from({ length: STREAMS }, () => hear(deployment)));
  const seconds = ((deployment.elapsed() - began) / 1000).toFixed(1);
  return verdicts.find(({ status }) => status === "fail") ??
    ok(`${STREAMS} quiet streams were heard within ${seconds} s`);
}

async function hear(deployment: Deployment): Promise<Verdict> {
  return await withEvents(deployment, async ({ until }) => {
    const began = deployment.elapsed(), heard = await until("", PATIENCE);
    const seconds = ((deployment.elapsed() - began) / 1000).toFixed(1);
    if (heard === "seen") return ok(`heard after ${seconds} s`);
    if (heard === "ended") return fail(`a quiet stream was ended after ${seconds} s`, TIMEOUTS);
    return heldBack(`nothing was heard of a quiet stream in ${seconds} s`);
  });
}
