/** A small receiver of Security Event Tokens (RFC 8935) that verifies them with jose and answers as it is told. */
import { jwtVerify } from "jose";
import { createWaiting } from "./radicale_waiting.ts";

export const SECRET = "a secret of the tests: ünïcödé, 32 bytes or more";

const PUSH_EVENT = "urn:ietf:params:xml:ns:dav-push:push";

export type Message = { topic: string; timestamp: string; update: string; depth: string };
export type ReceivedSet = {
  jti: string;
  iat: number;
  aud: unknown;
  messages: Message[];
  bytes: number;
  at: number;
  status: number;
  headers: Headers;
};
export type Answer = (set: { messages: Message[]; jti: string }) => Response | Promise<Response>;

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Answers 202 until `answerWith` says otherwise; a SET that does not verify is an error of the test. */
export function startReceiver({ audience, issuer = "radicale" }: { audience?: string; issuer?: string } = {}) {
  const sets: ReceivedSet[] = [];
  const errors: unknown[] = [];
  const waiting = createWaiting(() => `received ${JSON.stringify(sets)}; errors: ${errors.join("; ")}`);
  let answer: Answer = () => accepted();
  let server = listen(0);
  const { port } = server.addr;
  const url = `http://127.0.0.1:${port}`;

  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {}, onError: note }, receive);
  }

  function note(error: unknown): Response {
    errors.push(error);
    waiting.notify();
    return new Response(null, { status: 500 });
  }

  async function receive(request: Request): Promise<Response> {
    // A sender that is killed in the middle of its request has sent nothing.
    const token = await request.text().catch(() => undefined);
    if (token === undefined) return new Response(null, { status: 400 });
    const set = { ...await verify(token), at: performance.now(), status: 0, headers: request.headers };
    if (request.method !== "POST" || new URL(request.url).pathname !== "/-/events") throw new Error(request.url);
    sets.push(set);
    waiting.notify();
    const response = await answer(set);
    set.status = response.status;
    waiting.notify();
    return response;
  }

  async function verify(token: string) {
    const { payload, protectedHeader } = await jwtVerify(token, new TextEncoder().encode(SECRET), {
      algorithms: ["HS256"],
      typ: "secevent+jwt",
      audience: audience ?? url,
      issuer,
      maxTokenAge: "24h",
    });
    if (Object.keys(protectedHeader).sort().join() !== "alg,typ") throw new Error(JSON.stringify(protectedHeader));
    const { jti, iat, aud, events } = payload as { jti: string; iat: number; aud: unknown; events: never };
    const messages = (events[PUSH_EVENT] as { messages: Message[] }).messages;
    return { jti, iat, aud, messages, bytes: token.length };
  }

  return {
    url,
    /** Every SET that verified, answered or not. */
    sets,
    /** What was acknowledged, in order. */
    acknowledged: () => sets.filter(({ status }) => status === 202).flatMap(({ messages }) => messages),
    answerWith: (next: Answer) => void (answer = next),
    async until<T>(look: () => T | undefined | false): Promise<T> {
      return await waiting.until(() => {
        if (errors.length > 0) throw errors[0];
        return look();
      });
    },
    /** Stops listening: the port refuses connections until `up`. */
    down: () => server.shutdown(),
    up: () => void (server = listen(port)),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export function accepted(): Response {
  return new Response(null, { status: 202 });
}

/** An error of RFC 8935 2.3. */
export function refused(err: string, description: string): Response {
  return Response.json({ err, description }, { status: 400 });
}
