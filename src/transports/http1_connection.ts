/** Connections that speak HTTP/1.1 (RFC 9112): one request at a time on each, kept for the next. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as startRequest } from "node:https";
import { type Answer, type Connection, createBody, type Request, type Wait } from "./connection.ts";
import type { DialOptions } from "./dial.ts";

/** Idle connections that are kept of the many that a burst needs: each is a file descriptor. */
const MAX_IDLE = 8;

/** Every connection of it is dialled, and its addresses are checked, by these options. */
export function openHttp1({ host }: URL, options: DialOptions): Connection {
  const agent = new Agent({ ...options, keepAlive: true, maxFreeSockets: MAX_IDLE });
  const running = new Set<ClientRequest>();
  return {
    post: async (sent, wait) => {
      const { path, headers } = sent;
      const { host: hostname, port } = options;
      const request = startRequest({ hostname, port, path, method: "POST", headers: { ...headers, host }, agent });
      running.add(request);
      return await exchange(request, sent, wait).finally(() => running.delete(request));
    },
    isUsable: () => true,
    close: async () => {
      for (const request of running) cancel(request);
      await Promise.resolve(agent.destroy());
    },
  };
}

/** Resolves when the body has ended, or was cut off; whatever breaks before the status came is a fault. */
function exchange(request: ClientRequest, { body, reads }: Request, { signal, onHead }: Wait): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let answer: Answer | undefined;
  const settle = (fault: Error = new Error("no answer")) =>
    answer ? resolve({ ...answer, ...answered.read() }) : reject(fault);
  const giveUp = () => (cancel(request), settle());
  const answered = createBody(reads, giveUp);
  request.once("response", (message) => {
    answer = readAnswer(message);
    onHead();
    message.on("data", answered.add);
    message.on("error", () => {});
    message.once("close", () => settle());
  });
  request.on("error", settle);
  // Also when the server switches to a protocol that nobody asked for.
  request.once("close", () => settle());
  signal.addEventListener("abort", giveUp, { once: true });
  request.end(body);
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}

function readAnswer({ statusCode, headers }: IncomingMessage): Answer {
  return { status: statusCode!, retryAfter: headers["retry-after"], ttl: headers.ttl as string | undefined };
}

/** Deno 2.9 sends what it had begun on a used connection once more, on a new one, even when it is we who end it. */
function cancel(request: ClientRequest): void {
  request.reusedSocket = false;
  // With an error of ours the socket would throw it where nobody listens.
  request.destroy();
}
