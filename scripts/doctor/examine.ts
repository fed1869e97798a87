/** All checks in order, from the outside in: what the first of them need is not looked at where they fail. */
import { within } from "../../src/store/deadline.ts";
import { describeFailure } from "../lib/answer.ts";
import { checkAddress } from "./address.ts";
import { checkBodies } from "./bodies.ts";
import { checkClock } from "./clock.ts";
import { checkConnections } from "./connections.ts";
import { checkContact } from "./contact.ts";
import { checkCors } from "./cors.ts";
import { checkDatabase } from "./database.ts";
import type { Deployment } from "./deployment.ts";
import { checkHealthy } from "./healthy.ts";
import { checkHttp2 } from "./http2.ts";
import { checkKeepAlive } from "./keep_alive.ts";
import { checkKeys } from "./keys.ts";
import { checkNames } from "./names.ts";
import { checkReady } from "./ready.ts";
import { checkRing } from "./ring.ts";
import { checkStream } from "./stream.ts";
import { checkTls } from "./tls.ts";
import { checkToken } from "./token.ts";
import { fail, type Verdict } from "./verdict.ts";

/** `isGate`: without it nothing that follows can be right. */
type Check = { name: string; look: (deployment: Deployment) => Promise<Verdict> | Verdict; isGate?: true };

export type Finding = { check: string } & Verdict;

export const CHECKS: Check[] = [
  { name: "names", look: checkNames, isGate: true },
  { name: "connections", look: checkConnections, isGate: true },
  { name: "tls", look: checkTls, isGate: true },
  { name: "http2", look: checkHttp2 },
  { name: "healthy", look: checkHealthy, isGate: true },
  { name: "address", look: checkAddress },
  { name: "clock", look: checkClock },
  { name: "keys", look: checkKeys },
  { name: "contact", look: checkContact },
  { name: "cors", look: checkCors },
  { name: "bodies", look: checkBodies },
  { name: "ready", look: checkReady, isGate: true },
  { name: "database", look: checkDatabase },
  { name: "token", look: checkToken, isGate: true },
  { name: "stream", look: checkStream, isGate: true },
  { name: "ring", look: checkRing, isGate: true },
  { name: "keep-alive", look: checkKeepAlive },
];

/** Milliseconds for all of it. */
const LIMIT = 30_000;

const LOGS = "See the logs of the proxy and of the worker (journalctl -u carillon).";

/** Answers what each check found, as soon as it did. Ends after 30 seconds. */
export async function* examine(deployment: Deployment): AsyncGenerator<Finding> {
  const until = deployment.elapsed() + LIMIT;
  for (const { name, look, isGate } of CHECKS) {
    const left = Math.max(0, until - deployment.elapsed()), late = () => new Error("the 30 s were over");
    const looking = Promise.try(look, deployment);
    const verdict = await within(left, looking, late).catch((thrown) => unanswered(thrown, deployment));
    yield { check: name, ...verdict };
    if (isGate && ["fail", "skip"].includes(verdict.status)) return;
  }
}

function unanswered(thrown: unknown, { url }: Deployment): Verdict {
  return fail(describeFailure(thrown, url), LOGS);
}
