/** A real HTTP server with a key set, whose answers a test can change and count. */
import type { JWK } from "jose";

export type JwksServer = ReturnType<typeof openJwksServer>;

export function openJwksServer(keys: JWK[], path = "/jwks.json") {
  const state = { fetches: 0, keys, answer: undefined as Response | undefined };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    state.fetches++;
    return state.answer?.clone() ?? Response.json({ keys: state.keys });
  });
  const close = () => server.shutdown();
  return { state, url: `http://127.0.0.1:${server.addr.port}${path}`, close, [Symbol.asyncDispose]: close };
}

/** Moves `Date.now`, which jose asks, and puts it back when it is disposed of. */
export function movableDate() {
  const real = Date.now;
  let offset = 0;
  Date.now = () => real() + offset;
  return {
    advance: (milliseconds: number) => void (offset += milliseconds),
    [Symbol.dispose]: () => void (Date.now = real),
  };
}
