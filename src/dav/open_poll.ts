/** The poller with all that it needs, where there is an account for it. */
import { Buffer } from "node:buffer";
import type { Subscriptions } from "../broker/subscriptions.ts";
import type { Config } from "../config.ts";
import type { Ask } from "./ask.ts";
import { createLookAtHome } from "./members.ts";
import { RESOURCE_TYPE } from "./names.ts";
import { createPoll, type Poll, type PollDeps } from "./poll.ts";
import { topicOf } from "./register.ts";
import type { Upstream } from "./upstream.ts";

type Deps = Omit<PollDeps, "look" | "gone"> & {
  service: Config["service"];
  upstream: Upstream;
  host: string;
  ask: Ask;
  subscriptions: Pick<Subscriptions, "dropAll">;
};

/** Undefined without an account. */
export function openPoll({ service, upstream, host, ask, subscriptions, ...deps }: Deps): Poll | undefined {
  if (!service) return undefined;
  const authorization = `Basic ${Buffer.from(`${service.user}:${service.password}`).toString("base64")}`;
  const credentials = { authorization };

  /** What the account cannot find either has no readers any more. */
  async function gone(path: string): Promise<void> {
    const { status } = await ask(path, credentials, [RESOURCE_TYPE]);
    if (status === 404) await subscriptions.dropAll(topicOf(deps.origin, path));
  }

  const look = createLookAtHome({ upstream, host, credentials, elapsed: deps.clock.elapsed });
  return createPoll({ ...deps, look, gone });
}
