/** Connections that speak HTTP/1.1 (RFC 9112): one request at a time on each, kept for the next. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as startRequest } from "node:https";
import { type Answer, type Connection, countBody } from "./connection.ts";
import type { DialOptions } from "./dial.ts";

/** Every connection of it is dialled, and its addresses are checked, by these options. */
export function openHttp1({ host }: URL, options: DialOptions): Connection {
  const agent = new Agent({ ...options, keepAlive: true });
  const running = new Set<ClientRequest>();
  return {
    post: async ({ path, headers, body }, signal) => {
      const { host: hostname, port } = options;
      const request = startRequest({ hostname, port, path, method: "POST", headers: { ...headers, host }, agent });
      running.add(request);
      return await exchange(request, body, signal).finally(() => running.delete(request));
    },
    isUsable: () => true,
    close: async () => {
      for (const request of running) cancel(request);
      await Promise.resolve(agent.destroy());
    },
  };
}

/** Resolves when the body has ended, or was cut off; whatever breaks before the status came is a fault. */
function exchange(request: ClientRequest, body: Uint8Array, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let answer: Answer | undefined;
  const giveUp = () => cancel(request);
  request.once("response", (message) => {
    answer = readAnswer(message);
    message.on("data", countBody(giveUp));
    message.on("error", () => {});
    message.once("close", () => resolve(answer!));
  });
  request.on("error", (fault) => answer ? resolve(answer) : reject(fault));
  signal.addEventListener("abort", giveUp, { once: true });
  request.end(body);
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}

function readAnswer({ statusCode, headers }: IncomingMessage): Answer {
  return { status: statusCode!, retryAfter: headers["retry-after"] };
}

/** Deno 2.9 sends what it had begun on a used connection once more, on a new one, even when it is we who end it. */
function cancel(request: ClientRequest): void {
  request.reusedSocket = false;
  // With an error of ours the socket would throw it where nobody listens.
  request.destroy();
}
