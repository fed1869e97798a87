/** Someone who takes webhooks (Standard Webhooks 1.0) over HTTP/2 and TLS: checks what arrives as its library does. */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import { createWaiting } from "../../scripts/lib/waiting.ts";
import { certificates as ours } from "../helpers/certificates.ts";

/** What is answered: a status, fields, a body; or never. */
export type Reply = { status: number; headers?: Record<string, string>; body?: string } | "never";

/** A message that verified; `by` are the secrets that it was signed with, `raw` is how it came. */
export type Taken = {
  path: string;
  id: string;
  at: number;
  type: string;
  data: Record<string, unknown>;
  by: string[];
  raw: { headers: Record<string, string>; body: string };
};

export type WebhookReceiver = Awaited<ReturnType<typeof openWebhookReceiver>>;

/** A secret of its own for each subscriber: 32 bytes. */
export const makeSecret = () => `whsec_${crypto.getRandomValues(new Uint8Array(32)).toBase64()}`;

/** Starts one on a free port; `now` is its clock. `await using` stops it. */
export async function openWebhookReceiver(
  { now = Date.now, certificates = ours }: { now?: () => number; certificates?: typeof ours } = {},
) {
  const taken: Taken[] = [], refused: string[] = [], secrets = new Set<string>(), sockets = new Set<Socket>();
  const load = { connections: 0 };
  let replies: Reply[] = [], standing: Reply | undefined;
  const waiting = createWaiting(() => `${taken.length} taken, refused: ${refused.join("; ")}`);
  const server = createSecureServer({ cert: certificates.cert, key: certificates.key, allowHTTP1: true });
  server.on("secureConnection", (socket: Socket) => {
    load.connections++;
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  });
  server.on("sessionError", () => {});
  server.on("request", (request, response) => void handle(request, response).finally(waiting.notify));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  async function handle(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const text = new TextDecoder().decode(await readAll(request)), message = read(request, text);
    if (!message) return void (refused.push("no signature of ours"), response.writeHead(401).end());
    const reply = replies.shift() ?? standing ?? { status: 200 };
    taken.push(message);
    if (reply === "never") return;
    response.writeHead(reply.status, reply.headers ?? {});
    response.end(reply.body ?? (message.type === "challenge" ? JSON.stringify(message.data) : ""));
  }

  function read({ headers, url }: Http2ServerRequest, text: string): Taken | undefined {
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `${value}`]));
    const by = [...secrets].filter((secret) => verifies(secret, text, signed));
    if (by.length === 0) return undefined;
    const at = Number(signed["webhook-timestamp"]) * 1000;
    return { path: url, id: signed["webhook-id"]!, at, by, raw: { headers: signed, body: text }, ...JSON.parse(text) };
  }

  /** The library's own clock is the machine's: a frozen one is checked here. */
  function verifies(secret: string, text: string, headers: Record<string, string>): boolean {
    const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
    if (Math.abs(now() - at.getTime()) > 300_000) return false;
    const signature = new Webhook(secret).sign(headers["webhook-id"]!, at, text);
    return headers["webhook-signature"]!.split(" ").includes(signature);
  }

  /** An address and a secret that it takes messages with. */
  function subscribe() {
    const secret = makeSecret();
    secrets.add(secret);
    return { endpoint: `https://127.0.0.1:${port}/hook/${crypto.randomUUID()}`, keys: { secret } };
  }

  async function stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    port,
    ca: certificates.ca,
    load,
    taken,
    refused,
    secrets,
    subscribe,
    /** Answers the next requests so, one after the other. */
    reply: (...next: Reply[]) => void replies.push(...next),
    /** Answers every request so; undefined: as it should be. */
    always(reply: Reply | undefined): void {
      standing = reply;
      replies = [];
    },
    until: waiting.until,
    [Symbol.asyncDispose]: stop,
  };
}

async function readAll(request: Http2ServerRequest): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of request) parts.push(part as Uint8Array<ArrayBuffer>);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
