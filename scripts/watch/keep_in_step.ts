/** Watching for as long as it takes, and running the command by what is heard. */
import { type State, type Transport, watch } from "../../src/client/mod.ts";
import type { DavEffects } from "../../src/client/watch/dav.ts";
import type { Runs } from "./runs.ts";

type Deps = {
  effects: DavEffects;
  runs: Runs;
  note: (line: string) => void;
};

const SHOWN: Record<State, string> = {
  push: "told by push",
  poll: "polling",
  offline: "offline: the server is not reached",
};

/** Watches each address by its transport. Resolves when the signal has aborted and all is left in good order: a subscription that is kept goes on. */
export async function keepInStep({ effects, runs, note }: Deps, watched: Map<string, Transport>): Promise<void> {
  const { fetch, headers, signal, pace } = effects;
  const watches = [...watched].map(([url, transport]) =>
    watch({
      url,
      fetch,
      headers,
      transports: [transport],
      random: pace.random,
      changed: runs.ring,
      state: (state) => note(`${url}: ${SHOWN[state]}`),
      reported: ({ message }) => note(`warning: ${message}`),
    })
  );
  // Whatever came while nothing of this ran, or the user has written.
  runs.ring();
  await untilAborted(signal);
  await Promise.all([...watches.map((each) => each.close()), runs.ended()]);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
