/** The port of a worker that knows itself by another address: that of the front before it. */
import { serveNode } from "../../src/serve/node_http.ts";

/** `serve` is for the worker; `port` is right once it listens. */
export function keepPort() {
  let port = 0;
  const serve: typeof serveNode = async (...all) => {
    const listening = await serveNode(...all);
    port = listening.port;
    return listening;
  };
  return { serve, port: () => port };
}
