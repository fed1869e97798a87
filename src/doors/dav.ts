/** The DAV door: a DAV server behind us, to which everything goes that is not ours, and push for its collections. */
import type { Logger } from "@logtape/logtape";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Trouble } from "../console/trouble.ts";
import { checkQuotas } from "../access/quotas.ts";
import type { Broker } from "../broker/broker.ts";
import { createAdapt } from "../dav/advertise.ts";
import type { Answer } from "../dav/answer.ts";
import { createAsk, type Credentials, credentialsOf } from "../dav/ask.ts";
import { createFindCaller } from "../dav/caller.ts";
import { createCors } from "../dav/cors.ts";
import { createObserve } from "../dav/observe.ts";
import { isOurs, isRegistration } from "../dav/our_paths.ts";
import { withoutOrigin } from "../dav/paths.ts";
import { openPoll } from "../dav/open_poll.ts";
import { createProxy } from "../dav/proxy.ts";
import { readBody } from "../dav/read_body.ts";
import { register, REGISTRATIONS } from "../dav/register.ts";
import { createRevoke } from "../dav/revoke.ts";
import { subscribe } from "../dav/subscribe.ts";
import { unregister } from "../dav/unregister.ts";
import { createUpstream } from "../dav/upstream.ts";
import { asCarillonError, CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { Change } from "../model/change.ts";
import { type Counts, expiryOf, type Subscription } from "../model/subscription.ts";
import type { Offer } from "../model/transport.ts";
import { tooLarge } from "./body.ts";
import { lengthOf, writeAnswer, writeProblem } from "./raw.ts";
import { createRefused } from "./refused.ts";

/** Bytes of a registration. */
const MAX_REGISTER = 64 * 1024;

type Deps = {
  upstream: string | undefined;
  upstreamConnections: number | undefined;
  service: Config["service"];
  kv: Deno.Kv;
  embedded: boolean;
  clock: Clock;
  /** The public origin of the DAV door, and that of all others. */
  davUrl: string;
  url: string;
  origins: string[];
  broker: Pick<Broker, "subscriptions" | "topicNames" | "publish" | "lastToken">;
  offers: Offer[];
  metrics: Metrics;
  log: Logger;
  trouble: Trouble;
};

/** `handle` answers whether the request is the DAV server's; `expects`: the client waits for `100 Continue`. */
export type DavDoor = {
  handle: (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) => boolean;
  /** It has the origin of all other doors. */
  isShared: boolean;
  /** Polls what a proxy cannot see, until the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
  close: () => void;
};

/** Undefined where no DAV server is behind us. */
export function openDavDoor(deps: Deps): DavDoor | undefined {
  const { upstream: behind, davUrl, url, metrics, log, trouble, broker, offers, upstreamConnections } = deps;
  if (behind === undefined) return undefined;
  const publicUrl = new URL(davUrl), { origin } = publicUrl, { subscriptions, topicNames: names } = broker;
  const isShared = origin === new URL(url).origin;
  const upstream = createUpstream(new URL(behind), upstreamConnections), ask = createAsk(upstream, publicUrl.host);
  const { now } = deps.clock, publish = (changes: Change[]) => broker.publish({ changes });
  const askBetween = createAsk({ ...upstream, turns: upstream.between }, publicUrl.host);
  const findCaller = createFindCaller({ ask: askBetween, now });
  const observe = createObserve({ ask, origin, subscriptions, now, publish });
  const revoke = createRevoke({ ask, subscriptions, origin });
  const poll = openPoll({ ...deps, ...broker, publish, origin, upstream, ask, host: publicUrl.host });
  const proxy = createProxy({
    upstream,
    publicUrl,
    refuse: (outgoing, code) => fail(outgoing, code === "upstream_down" ? upstreamDown() : unknownCoding()),
    adapt: createAdapt({ origin, offers, findCaller, names }),
    answered: (incoming, status) => {
      observe(incoming, status).catch(failed("a change that a client made is not told"));
      revoke.answered(incoming, status).catch(failed("it is not known whether a user may still read"));
    },
    unread: () => metrics.davUnread.inc(),
  });
  const admit = (counts: Counts) => checkQuotas(counts, { isServer: false });
  function registered(credentials: Credentials, subscription: Subscription, homes: string[]): void {
    revoke.registered(credentials, subscription);
    poll?.watch(homes, expiryOf(subscription)).catch(failed("a home is not polled"));
  }
  const registering = { ask, findCaller, subscriptions, names, origin, offers, admit, now, registered };

  const isPreflight = createCors(deps.origins);

  function isDav({ url: target = "/", headers }: IncomingMessage): boolean {
    return isShared ? !isOurs(target) : headers.host?.toLowerCase() === publicUrl.host;
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): boolean {
    if (!isDav(incoming)) return false;
    if (isPreflight(incoming, outgoing)) return true;
    const path = withoutOrigin(incoming.url!);
    if (isRegistration(path)) void answer(outgoing, () => ourOwn(incoming, outgoing, path, expects));
    else if (isSmallXml(incoming)) void answer(outgoing, () => take(incoming, outgoing, expects));
    else proxy.handle(incoming, outgoing, expects);
    return true;
  }

  /** Undefined when the upstream answers. */
  async function take(incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) {
    if (expects) outgoing.writeContinue();
    const body = await readBody(incoming);
    const given = await register(registering, postedBy(incoming, body));
    if (!given) await proxy.replay(incoming, outgoing, body);
    return given;
  }

  async function ourOwn(incoming: IncomingMessage, outgoing: ServerResponse, path: string, expects: boolean) {
    const id = path.slice(REGISTRATIONS.length + 1), allow = id === "" ? "POST" : "DELETE";
    if (incoming.method !== allow) {
      throw new CarillonError("method_not_allowed", `the method was refused: ${incoming.method}`, { allow });
    }
    if (id !== "") return await unregister(registering, { id, credentials: credentialsOf(incoming) });
    if (lengthOf(incoming) > MAX_REGISTER) throw tooLarge(MAX_REGISTER);
    if (!isSmallXml(incoming)) {
      throw new CarillonError("wrong_type", "the body was refused: send application/xml, with its length");
    }
    if (expects) outgoing.writeContinue();
    return await subscribe(registering, postedBy(incoming, await readBody(incoming)));
  }

  async function answer(outgoing: ServerResponse, run: () => Promise<Answer | undefined>): Promise<void> {
    try {
      const given = await run();
      if (given) writeAnswer(outgoing, given);
    } catch (thrown) {
      fail(outgoing, toError(thrown));
    }
  }

  const refused = createRefused({ metrics, log, trouble });
  const fail = (outgoing: ServerResponse, error: CarillonError) => writeProblem(outgoing, refused(error));

  const failed = (what: string) => (thrown: unknown) =>
    log.error("{what}: {code}", { what, code: toError(thrown).code });

  const run = async (signal: AbortSignal) => await poll?.run(signal);
  return { handle, isShared, run, close: upstream.close };
}

function toError(thrown: unknown): CarillonError {
  return thrown instanceof CarillonError || !isSystem(thrown) ? asCarillonError(thrown) : upstreamDown();
}

function upstreamDown(): CarillonError {
  return new CarillonError("upstream_down", "the DAV server was asked: it does not answer");
}

function unknownCoding(): CarillonError {
  return new CarillonError("unknown_coding", "the body was refused: its Transfer-Encoding is not chunked");
}

/** Of a socket, such as ECONNREFUSED. */
function isSystem(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown;
}

function postedBy(incoming: IncomingMessage, body: Uint8Array) {
  const text = new TextDecoder().decode(body);
  return { path: withoutOrigin(incoming.url!), credentials: credentialsOf(incoming), text };
}

/** What may be a registration: a small document of XML. */
function isSmallXml(incoming: IncomingMessage): boolean {
  const { method, headers } = incoming;
  const isXml = /^(?:text|application)\/xml\b/i.test(headers["content-type"] ?? "");
  const isCoded = headers["transfer-encoding"] !== undefined || headers["content-encoding"] !== undefined;
  return method === "POST" && isXml && !isCoded && lengthOf(incoming) <= MAX_REGISTER;
}
