/** The port of a worker that knows itself by another address: that of the front before it. */
import { serveNode } from "../../src/serve/node_http.ts";

/** A `serve` of a worker that tells where it listens, before anybody can ask. */
export function tellPort(told: (port: number) => void): typeof serveNode {
  return async (...all) => {
    const listening = await serveNode(...all);
    told(listening.port);
    return listening;
  };
}

/** `serve` is for the worker; `port` is right once it listens. */
export function keepPort() {
  let port = 0;
  return { serve: tellPort((listening) => void (port = listening)), port: () => port };
}
