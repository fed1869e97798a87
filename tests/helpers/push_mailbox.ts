/**
 * A push service of the test (RFC 8030) over plain HTTP, which speaks what a receiver needs to hear and nothing of ours. It
 * shows each stream that is opened, and the test says what comes on it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import webPush from "web-push";
import { createWaiting } from "../../scripts/lib/waiting.ts";

/** What was asked for, without the host. */
export type Asked = { method: string; path: string; headers: IncomingMessage["headers"]; body: string };

export type Answer = { status: number; headers?: Record<string, string | string[]>; body?: string };

/** A stream that is open, or was. */
export type Stream = Asked & { write: (text: string) => void; end: () => void; cut: () => void; isOver: () => boolean };

type Keys = { p256dh: string; auth: string };

/** Starts one on a free port; `await using` stops it. */
export async function openPushMailbox() {
  const asked: Asked[] = [], streams: Stream[] = [], answers: { method: string; answer: Answer }[] = [];
  const waiting = createWaiting(() => asked.map(({ method, path }) => `${method} ${path}`).join(", "));
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await Array.fromAsync(request)).join("");
    const ask = { method: request.method!, path: request.url!, headers: request.headers, body };
    asked.push(ask);
    const told = answers.findIndex(({ method }) => method === ask.method);
    if (told >= 0) answer(response, answers.splice(told, 1)[0]!.answer);
    else if (ask.method === "GET") open(ask, response);
    else answer(response, ask.method === "POST" ? subscribed() : { status: 204 });
    waiting.notify();
  }

  function answer(response: ServerResponse, { status, headers, body = "" }: Answer): void {
    response.writeHead(status, headers).end(body);
  }

  /** Of two `Link` fields one is relative: both are allowed (RFC 8288 3). */
  function subscribed(): Answer {
    const link = ['</push/set>; rel="urn:ietf:params:push:set"', `<${url}/push/to>; rel="urn:ietf:params:push"`];
    return { status: 201, headers: { location: `${url}/push/mine`, link } };
  }

  function open(ask: Asked, response: ServerResponse): void {
    let isOver = false;
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n");
    response.on("close", () => {
      isOver = true;
      waiting.notify();
    });
    const write = (text: string) => void response.write(text);
    streams.push({ ...ask, write, end: () => response.end(), cut: () => response.destroy(), isOver: () => isOver });
  }

  /** The event of a message that the `web-push` package has encrypted. */
  function event(id: string, text: string, keys: Keys, more: Record<string, unknown> = {}): string {
    const body = webPush.encrypt(keys.p256dh, keys.auth, text, "aes128gcm").cipherText.toString("base64url");
    const message = { message: address(id), encoding: "aes128gcm", urgency: "normal", ttl: 60, body, ...more };
    return `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`;
  }

  const address = (id: string) => `${url}/push/message/${id}`;

  async function stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  return {
    url,
    asked,
    event,
    address,
    /** Answers the next request of this method so. */
    answer: (method: string, answer: Answer) => void answers.push({ method, answer }),
    /** The stream of this number, from 0, when it is opened. */
    stream: (number: number): Promise<Stream> => waiting.until(() => streams[number]),
    /** The ids of the messages that were acknowledged one by one. */
    acknowledged: () =>
      asked.filter(({ method, path }) => method === "DELETE" && path.startsWith("/push/message/")).map(({ path }) =>
        path.slice("/push/message/".length)
      ),
    until: waiting.until,
    notify: waiting.notify,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
