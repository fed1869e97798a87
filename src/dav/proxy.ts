/**
 * The proxy: what we do not deal in goes to the DAV server behind us, and its answer comes back, byte for byte as far as
 * `node:http` lets us. Both stream, and no time-out is ours: the client's and the server's own hold.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Adapt } from "./advertise.ts";
import { withoutOrigin } from "./paths.ts";
import {
  hasBody,
  isChunkedAtMost,
  isGone,
  isReadable,
  isRepeatable,
  linger,
  type Passage,
  whenOver,
  writeHead,
} from "./passage.ts";
import { advertise, answerFields, requestFields } from "./passing_fields.ts";
import { readBody } from "./read_body.ts";
import { rewriteBody } from "./rewrite_body.ts";
import type { Upstream } from "./upstream.ts";

/** The upstream does not answer, or a body has a coding that nobody here knows. */
export type Refusal = "upstream_down" | "unknown_coding";

type Deps = {
  upstream: Upstream;
  /** The origin that clients see. */
  publicUrl: URL;
  /** Answers a client to whom the upstream has not said anything. */
  refuse: (outgoing: ServerResponse, code: Refusal) => void;
  /** What a PROPFIND asks for of ours. */
  adapt?: Adapt;
  /** Called with each request that the upstream has answered, and the status. */
  answered?: (incoming: IncomingMessage, status: number) => void;
  /** Called when a multistatus could not be read, and went on as it was. */
  unread?: () => void;
};

/** `expects`: the client waits for `100 Continue` before it sends a body (RFC 9110 10.1.1). */
export type Proxy = {
  handle: (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) => void;
  /** Passes a request on whose body was read already. */
  replay: (incoming: IncomingMessage, outgoing: ServerResponse, body: Uint8Array) => Promise<void>;
};

const ignore = () => {};

export function createProxy(deps: Deps): Proxy {
  const { upstream, publicUrl, refuse, adapt, answered = ignore, unread = ignore } = deps;

  function begin(incoming: IncomingMessage, outgoing: ServerResponse): Passage {
    const passage: Passage = { incoming, outgoing };
    incoming.on("error", ignore);
    // Also when all is well: then there is nothing left to end.
    whenOver(passage, () => passage.sent?.destroy());
    return passage;
  }

  async function replay(incoming: IncomingMessage, outgoing: ServerResponse, body: Uint8Array): Promise<void> {
    const passage = begin(incoming, outgoing);
    if (await hasTurn(passage)) send(passage, { isFresh: true }, () => false).end(body);
  }

  function handle(incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): void {
    const passage = begin(incoming, outgoing);
    if (!isChunkedAtMost(incoming)) giveUp(passage, "unknown_coding");
    else if (!expects && isRepeatable(incoming)) void passKept(passage);
    else void passOnce(passage, expects);
  }

  /** Waits for a turn, which ends with the answer; false when the client has gone meanwhile. */
  async function hasTurn(passage: Passage): Promise<boolean> {
    const leave = await upstream.turns.enter(), isThere = !isGone(passage);
    if (isThere) whenOver(passage, leave);
    else leave();
    return isThere;
  }

  /** Over a kept connection, and over a new one when that was dead. */
  async function passKept(passage: Passage): Promise<void> {
    const read = hasBody(passage.incoming) ? await readBody(passage.incoming).catch(() => undefined) : new Uint8Array();
    if (!read) return; // the client has gone
    if (passage.incoming.method === "PROPFIND") passage.adapted = adapt?.(passage.incoming, read);
    const body = passage.adapted?.body ?? read;
    if (!await hasTurn(passage)) return;
    send(passage, { isFresh: false }, (request) => {
      if (!upstream.isReused(request)) return false;
      send(passage, { isFresh: true }, () => false).end(body);
      return true;
    }).end(body);
  }

  async function passOnce(passage: Passage, expects: boolean): Promise<void> {
    if (!await hasTurn(passage)) return;
    const request = send(passage, { isFresh: true }, () => false);
    request.once("continue", () => passage.outgoing.writeContinue());
    // With its header alone it must go out at once: the client waits.
    if (expects) request.flushHeaders();
    if (hasBody(passage.incoming)) passage.incoming.pipe(request);
    else request.end();
  }

  /** `again` takes over when the connection broke before there was an answer, if it can. */
  function send(
    passage: Passage,
    how: { isFresh: boolean },
    again: (request: ClientRequest) => boolean,
  ): ClientRequest {
    const { incoming, outgoing } = passage;
    const request = passage.sent = upstream.start(incoming.method!, withoutOrigin(incoming.url!), how);
    // Else a body that is not there would become an empty chunked one.
    request.useChunkedEncodingByDefault = false;
    for (const [name, values] of requestFields(incoming, publicUrl, passage.adapted?.body)) {
      request.setHeader(name, values);
    }
    let isAnswered = false;
    const fail = () => isAnswered || outgoing.destroyed || again(request) || giveUp(passage, "upstream_down");
    request.once("response", (response: IncomingMessage) => {
      isAnswered = true;
      void answer(response, passage);
    });
    request.on("error", fail);
    // 101 without having been asked.
    request.once("upgrade", (_: IncomingMessage, socket: Socket) => (socket.destroy(), fail()));
    return request;
  }

  async function answer(response: IncomingMessage, passage: Passage): Promise<void> {
    const { incoming, outgoing, adapted } = passage;
    response.on("error", ignore);
    const rewriter = adapted && isReadable(response) ? await adapted.open() : undefined;
    if (response.destroyed) return void outgoing.destroy();
    const fields = answerFields(response, { publicUrl, inside: upstream.origin, isRewritten: rewriter !== undefined });
    if (!writeHead(outgoing, response, adapt && incoming.method === "OPTIONS" ? advertise(fields) : fields)) {
      response.destroy();
      return giveUp(passage, "upstream_down");
    }
    // What is cut off must look cut off.
    for (const event of ["error", "aborted"]) response.once(event, () => outgoing.destroy());
    answered(incoming, response.statusCode!);
    outgoing.once("finish", () => linger(incoming));
    if (rewriter) rewriteBody(response, outgoing, rewriter, (isWhole) => isWhole || unread());
    else response.pipe(outgoing);
  }

  function giveUp({ incoming, outgoing }: Passage, code: Refusal): void {
    if (outgoing.headersSent) return void outgoing.destroy();
    refuse(outgoing, code);
    linger(incoming);
  }

  return { handle, replay };
}
