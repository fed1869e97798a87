/**
 * The one way out: every transport sends through here, to addresses that strangers gave us. The form of an address is
 * checked, then what its host resolves to, and what was checked is dialled. No redirect is followed, and the whole
 * exchange has a deadline.
 */
import type { Clock } from "../clock.ts";
import { type Answer, type Connection, type Request, Unprocessed, type Wait } from "./connection.ts";
import { createConnections } from "./connections.ts";
import { BlockedAddress, dial, dialOptions } from "./dial.ts";
import { CarillonError } from "../errors.ts";
import { openHttp1 } from "./http1_connection.ts";
import { openHttp2 } from "./http2_connection.ts";
import { checkAddress } from "./push_address.ts";
import { createResolve, type Resolve } from "./resolve.ts";
import type { Trust } from "./trust.ts";

/** Milliseconds from the look-up of the name to the end of the answer. */
export const DEADLINE = 10_000;

/** Milliseconds that the body of an answer has, of which nobody needs anything. */
export const BODY_TIME = 1_000;

/** How often a request is sent that the server did not look at. */
const TRIES = 3;

/** An answer, or why there is none: never with a cause from inside, which could name the address. */
export type Reply = Answer | { fault: "blocked" | "network" | "timeout" };

export type EgressDeps = {
  trust: Trust;
  clock: Clock;
  resolve?: Resolve;
  /** A further certificate authority, PEM. */
  ca?: string;
};

export type Egress = ReturnType<typeof createEgress>;

export function createEgress({ trust, clock, resolve = createResolve({ clock }), ca }: EgressDeps) {
  const { lend, tick, close } = createConnections({ clock, open });

  async function open(url: URL, signal: AbortSignal): Promise<Connection> {
    const options = dialOptions(url, { resolve, trust, ca, signal });
    const socket = await dial(options, signal);
    if (socket.alpnProtocol === "h2") return await openHttp2(url, socket, signal);
    socket.destroy();
    return openHttp1(url, options);
  }

  /** Posts to a push address. Never throws. */
  async function post(address: string, sent: Omit<Request, "path">): Promise<Reply> {
    const over = new AbortController(), { signal } = over;
    const end = (wait: number) => void clock.wait(wait, signal).then(() => over.abort("late"));
    end(DEADLINE);
    try {
      const url = checkAddress(address, trust), path = url.pathname + url.search;
      return await send(url, { ...sent, path }, { signal, onHead: () => end(BODY_TIME) });
    } catch (thrown) {
      return { fault: signal.aborted ? "timeout" : isBlocked(thrown) ? "blocked" : "network" };
    } finally {
      // Nobody listens any more but the clock. The usual reason is an error with a stack, which costs as much as AES.
      over.abort("done");
    }
  }

  /** A server may close a connection at any time, with requests on their way to it. */
  async function send(url: URL, request: Request, wait: Wait): Promise<Answer> {
    const { signal } = wait;
    for (let tries = 1;; tries++) {
      try {
        return await lend(url, signal, (connection) => connection.post(request, wait));
      } catch (thrown) {
        if (!(thrown instanceof Unprocessed) || tries === TRIES || signal.aborted) throw thrown;
      }
    }
  }

  return {
    post,
    /** Reads an address that somebody registers. Throws `bad_address`. */
    check: (address: string): URL => checkAddress(address, trust),
    /** To be called every second or so: closes what is idle. */
    tick,
    /** Ends all connections, with whatever is on its way. */
    close,
  };
}

function isBlocked(thrown: unknown): boolean {
  return thrown instanceof BlockedAddress || thrown instanceof CarillonError;
}
