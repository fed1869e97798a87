/** The first look: what a watch would be of, or what is wrong, before it goes on for days. */
import { type Clock, ReceiverError } from "../../src/client/mod.ts";
import type { DavEffects } from "../../src/client/watch/dav.ts";
import { afterFault } from "../../src/client/watch/paces.ts";
import { Refusal } from "../lib/command.ts";
import { discover, type Found } from "./discover.ts";

const ADVICE: Partial<Record<ReceiverError["code"], string>> = {
  refused: "see --user and the password",
  gone: "see --url",
  malformed: "--url must be of a CalDAV or CardDAV server",
  // Fetch tells neither of the three apart without naming the address.
  unavailable: "see --url, the network, and the certificate: DENO_CERT=FILE names an authority of your own",
};

/** Of `refused`: these alone are about who asks. */
const WHO = [401, 403];

/** Throws `Refusal` with what to do next. */
export async function lookFirst(effects: DavEffects, url: string): Promise<Found[]> {
  return await discover(effects, url).catch((thrown) => {
    throw explain(thrown);
  });
}

type Waiting = { clock: Clock; offline: (why: string) => void };

/** The same, which waits until the server can be reached. Nothing when the signal aborts. */
export async function lookUntilReached(
  effects: DavEffects,
  url: string,
  { clock, offline }: Waiting,
): Promise<Found[]> {
  for (let misses = 1; !effects.signal.aborted; misses++) {
    try {
      return await discover(effects, url);
    } catch (thrown) {
      if (effects.signal.aborted) break;
      if (!(thrown instanceof ReceiverError) || thrown.code !== "unavailable") throw explain(thrown);
      offline(advise(thrown));
      await clock.wait(afterFault(misses, thrown.retryAfter, effects.pace.random), effects.signal);
    }
  }
  return [];
}

function explain(thrown: unknown): unknown {
  return thrown instanceof ReceiverError ? new Refusal(advise(thrown)) : thrown;
}

function advise({ code, status, message }: ReceiverError): string {
  const advice = ADVICE[code === "refused" && !WHO.includes(status ?? 0) ? "malformed" : code];
  return advice ? `${message}: ${advice}` : message;
}
