/** The DAV door: a DAV server behind us, to which everything goes that is not ours. */
import type { Logger } from "@logtape/logtape";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createProxy } from "../dav/proxy.ts";
import { CarillonError } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { problem } from "./problem.ts";

type Deps = {
  upstream: string | undefined;
  /** The public origin of the DAV door, and that of all others. */
  davUrl: string;
  url: string;
  metrics: Metrics;
  log: Logger;
};

/** `handle` answers whether the request is the DAV server's; `expects`: the client waits for `100 Continue`. */
export type DavDoor = {
  handle: (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean) => boolean;
  close: () => void;
};

/** Undefined where no DAV server is behind us. */
export function openDavDoor({ upstream, davUrl, url, metrics, log }: Deps): DavDoor | undefined {
  if (upstream === undefined) return undefined;
  const publicUrl = new URL(davUrl);
  const isShared = publicUrl.origin === new URL(url).origin;
  const proxy = createProxy({ upstream: new URL(upstream), publicUrl, refuse });

  function isDav({ url: target = "/", headers }: IncomingMessage): boolean {
    return isShared ? !isOurs(target) : headers.host?.toLowerCase() === publicUrl.host;
  }

  function refuse(outgoing: ServerResponse): void {
    const error = new CarillonError("upstream_down", "the DAV server was asked: it does not answer");
    metrics.refused.inc({ code: error.code });
    log.warning("{code}: {detail}", { code: error.code, detail: error.message });
    void writeProblem(outgoing, error);
  }

  return {
    handle(incoming, outgoing, expects) {
      if (!isDav(incoming)) return false;
      proxy.handle(incoming, outgoing, expects);
      return true;
    },
    close: proxy.close,
  };
}

/** The paths that stand for us where both share one origin. */
function isOurs(target: string): boolean {
  return /^(?:https?:\/\/[^/?#]*)?\/(?:-\/|\.well-known\/mercure(?:[?#]|$))/i.test(target);
}

async function writeProblem(outgoing: ServerResponse, error: CarillonError): Promise<void> {
  const response = problem(error), text = await response.text();
  outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), "content-length": text.length });
  outgoing.end(text);
}
