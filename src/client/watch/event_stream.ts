/** An event stream of a hub (the Mercure protocol): for who has a token for the collections' addresses. */
import { openStream } from "../open_stream.ts";
import { backOff } from "../pace.ts";
import { ReceiverError } from "../receiver_error.ts";
import { type Effects, type Fetch, systemFetch } from "../request.ts";
import { findToken, type Token } from "./token.ts";
import type { Channel, Hearing, Transport } from "./transport.ts";

type Options = {
  /** The hub's address, where the DAV server names none (`Link: <…>; rel="mercure"`) or one of another origin. */
  hub?: string;
  /** An access token whose grant covers the collections. */
  token: Token;
  fetch?: Fetch;
};

/** Matchers that a hub takes in one address. */
const MAX_TOPICS = 100;

/** A transport over one stream for all collections. */
export function eventStream({ hub: own, token, fetch = systemFetch }: Options): Transport {
  const authorized: Fetch = async (url, init) => {
    const authorization = `Bearer ${await findToken(token)}`;
    return await fetch(url, { ...init, headers: { ...init.headers as Record<string, string>, authorization } });
  };

  return ({ hub, topics }, pace) => {
    const address = own ?? hub;
    if (address === undefined || topics.length === 0 || topics.length > MAX_TOPICS) return Promise.resolve(undefined);
    const stream = new URL(address);
    for (const topic of topics) stream.searchParams.append("match", topic);
    return Promise.resolve(channelOf({ fetch: authorized, pace }, stream.href));
  };
}

function channelOf(effects: Effects, stream: string): Channel {
  let lastEventId: string | undefined;

  /** One connection; answers what ended it. */
  async function hearOnce({ signal, onOpen, onMessage }: Hearing, progress: () => void) {
    try {
      for await (
        const item of openStream(effects, { subscription: stream, urgency: "very-low", lastEventId, signal })
      ) {
        if (item.kind === "open") onOpen();
        if (item.kind !== "event") continue;
        progress();
        lastEventId = item.id || lastEventId;
        // Of a place that is lost nobody knows what was missed.
        onMessage(item.type === "lost" ? "" : item.data);
      }
    } catch (thrown) {
      if (thrown instanceof ReceiverError) return thrown;
      throw thrown;
    }
  }

  async function hear(hearing: Hearing): Promise<void> {
    for (let attempt = 0; !hearing.signal.aborted; attempt++) {
      const fault = await hearOnce(hearing, () => attempt = 0);
      if (hearing.signal.aborted) return;
      if (fault?.code === "refused" || fault?.code === "gone") throw fault;
      if (fault) hearing.onFault(fault);
      await effects.pace.wait(backOff(attempt, fault?.retryAfter ?? 0, effects.pace.random), hearing.signal);
    }
  }

  return { transport: "event-stream", lasts: false, hear, end: () => Promise.resolve() };
}
