/** The connections to the DAV server behind us: fresh for what writes, kept for what may be asked twice. */
import { Agent as HttpAgent, type ClientRequest, request as startHttp } from "node:http";
import { Agent as HttpsAgent, request as startHttps } from "node:https";
import type { Socket } from "node:net";
import { createTurns, type Turns } from "./turns.ts";

/** Bytes of the header of an answer, as of a request. */
const MAX_HEADER_BYTES = 64 * 1024;

/** Connections that are kept for the next request. */
const MAX_IDLE = 32;

/** Marks requests themselves: V8 moves all that a WeakSet once held to the old heap, a third of the time of a request. */
const IS_REUSED = Symbol("over a connection that was kept");

/** `isFresh`: over a connection of its own, which cannot have died while nobody used it. */
export type Start = (method: string, path: string, options: { isFresh: boolean }) => ClientRequest;

export type Upstream = {
  origin: string;
  start: Start;
  isReused: (request: ClientRequest) => boolean;
  /** To be entered before a request is started, and left when it is over. */
  turns: Turns;
  /** For what is asked in the middle of an answer, by who has a turn and could wait for another one for ever. */
  between: Turns;
  close: () => void;
};

/** At most so many requests at once, and one in between: some servers answer few sooner (Radicale's own takes five). */
export function createUpstream(origin: URL, connections = Infinity): Upstream {
  const isTls = origin.protocol === "https:";
  const request = isTls ? startHttps : startHttp;
  const kept = createKept(isTls);
  const host = { hostname: origin.hostname.replace(/^\[(.*)\]$/, "$1"), port: origin.port || (isTls ? 443 : 80) };

  function start(method: string, path: string, { isFresh }: { isFresh: boolean }): ClientRequest {
    return request({
      ...host,
      method,
      path,
      agent: isFresh ? false : kept,
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }

  return {
    origin: origin.origin,
    start,
    isReused: (request) => IS_REUSED in request,
    turns: createTurns(connections),
    between: createTurns(Number.isFinite(connections) ? 1 : Infinity),
    close: () => kept.destroy(),
  };
}

function createKept(isTls: boolean): HttpAgent {
  const options = { keepAlive: true, maxFreeSockets: MAX_IDLE };
  const agent = isTls ? new HttpsAgent(options) : new HttpAgent(options);
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket: Socket, request: ClientRequest) => {
    reuse(socket as Parameters<typeof reuse>[0], request);
    Object.assign(request, { [IS_REUSED]: true });
    // Deno 2.9 would send any method once more by itself, on a new connection, when this one is dead.
    request.reusedSocket = false;
  };
  return agent;
}
