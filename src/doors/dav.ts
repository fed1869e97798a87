/** The DAV door: a DAV server behind us, to which everything goes that is not ours, and push for its collections. */
import type { Logger } from "@logtape/logtape";
import type { IncomingMessage, ServerResponse } from "node:http";
import { checkQuotas } from "../access/quotas.ts";
import type { Broker } from "../broker/broker.ts";
import { createAdapt } from "../dav/advertise.ts";
import { createAsk, credentialsOf } from "../dav/ask.ts";
import { createObserve } from "../dav/observe.ts";
import { withoutOrigin } from "../dav/paths.ts";
import { createProxy } from "../dav/proxy.ts";
import { readBody } from "../dav/read_body.ts";
import { type Answer, ownerOf, register, REGISTRATIONS, topicOf, unregister } from "../dav/register.ts";
import { asCarillonError, CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { Counts } from "../model/subscription.ts";
import { problem } from "./problem.ts";

/** Bytes of a registration. */
const MAX_REGISTER = 64 * 1024;

type Deps = {
  upstream: string | undefined;
  /** The public origin of the DAV door, and that of all others. */
  davUrl: string;
  url: string;
  broker: Pick<Broker, "subscriptions" | "publish">;
  checkAddress: (address: string) => URL;
  vapidKey: string;
  now: () => number;
  metrics: Metrics;
  log: Logger;
};

/** `handle` answers whether the request is the DAV server's; `expects`: the client waits for `100 Continue`. */
export type DavDoor = {
  handle: (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) => boolean;
  /** It has the origin of all other doors. */
  isShared: boolean;
  close: () => void;
};

/** Undefined where no DAV server is behind us. */
export function openDavDoor({ upstream, davUrl, url, metrics, log, now, broker, ...deps }: Deps): DavDoor | undefined {
  if (upstream === undefined) return undefined;
  const publicUrl = new URL(davUrl), { origin } = publicUrl, { subscriptions } = broker;
  const isShared = origin === new URL(url).origin;
  const proxy = createProxy({
    upstream: new URL(upstream),
    publicUrl,
    refuse: (outgoing) => fail(outgoing, upstreamDown()),
    adapt: createAdapt({
      vapidKey: deps.vapidKey,
      topicFor: (principal, path) => subscriptions.wireTopicOf(ownerOf(origin, principal), topicOf(origin, path)),
    }),
    answered: (incoming, status) => void observe(incoming, status).catch(unobserved),
    unread: () => metrics.davUnread.inc(),
  });
  const ask = createAsk(proxy.upstream, publicUrl.host);
  const observe = createObserve({ ask, origin, subscriptions, now, publish: (changes) => broker.publish({ changes }) });
  const admit = (counts: Counts) => checkQuotas(counts, { isServer: false });
  const registering = { ...deps, ask, subscriptions, origin, admit, now };

  function isDav({ url: target = "/", headers }: IncomingMessage): boolean {
    return isShared ? !isOurs(target) : headers.host?.toLowerCase() === publicUrl.host;
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): boolean {
    if (!isDav(incoming)) return false;
    if (incoming.url!.startsWith(REGISTRATIONS)) void answer(outgoing, () => end(incoming));
    else if (!expects && isRegister(incoming)) void answer(outgoing, () => take(incoming, outgoing));
    else proxy.handle(incoming, outgoing, expects);
    return true;
  }

  /** Undefined when the upstream answers. */
  async function take(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Answer | undefined> {
    const body = await readBody(incoming);
    const asked = {
      path: withoutOrigin(incoming.url!),
      credentials: credentialsOf(incoming),
      text: new TextDecoder().decode(body),
    };
    const given = await register(registering, asked);
    if (!given) proxy.replay(incoming, outgoing, body);
    return given;
  }

  async function end(incoming: IncomingMessage): Promise<Answer> {
    if (incoming.method !== "DELETE") {
      throw new CarillonError("method_not_allowed", `the method was refused: ${incoming.method}`, { allow: "DELETE" });
    }
    const id = incoming.url!.slice(REGISTRATIONS.length);
    return await unregister(registering, { id, credentials: credentialsOf(incoming) });
  }

  async function answer(outgoing: ServerResponse, run: () => Promise<Answer | undefined>): Promise<void> {
    try {
      const given = await run();
      if (given) writeAnswer(outgoing, given);
    } catch (thrown) {
      fail(
        outgoing,
        thrown instanceof CarillonError ? thrown : isSystem(thrown) ? upstreamDown() : asCarillonError(thrown),
      );
    }
  }

  function fail(outgoing: ServerResponse, error: CarillonError): void {
    metrics.refused.inc({ code: error.code });
    log[error.meaning.level]("{code}: {detail}", { code: error.code, detail: error.message });
    void writeProblem(outgoing, error);
  }

  function unobserved(thrown: unknown): void {
    log.error("a change that a client made is not told: {code}", { code: asCarillonError(thrown).code });
  }

  return { handle, isShared, close: proxy.close };
}

function upstreamDown(): CarillonError {
  return new CarillonError("upstream_down", "the DAV server was asked: it does not answer");
}

/** Of a socket, such as ECONNREFUSED. */
function isSystem(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown;
}

/** The paths that stand for us where both share one origin. */
function isOurs(target: string): boolean {
  if (target.startsWith(REGISTRATIONS)) return false;
  return /^\/(?:-\/|\.well-known\/mercure(?:[?#]|$))/i.test(withoutOrigin(target));
}

/** What may be a registration: a small document of XML. */
function isRegister({ method, headers }: IncomingMessage): boolean {
  const isXml = /^(?:text|application)\/xml\b/i.test(headers["content-type"] ?? "");
  return method === "POST" && isXml && headers["transfer-encoding"] === undefined &&
    Number(headers["content-length"] ?? 0) <= MAX_REGISTER;
}

function writeAnswer(outgoing: ServerResponse, { status, headers, body = "" }: Answer): void {
  const length = status === 204 ? [] : ["Content-Length", `${new TextEncoder().encode(body).byteLength}`];
  outgoing.writeHead(status, [...headers.flat(), ...length]);
  outgoing.end(body);
}

async function writeProblem(outgoing: ServerResponse, error: CarillonError): Promise<void> {
  const response = problem(error);
  writeAnswer(outgoing, { status: response.status, headers: [...response.headers], body: await response.text() });
}
