/** Watching for as long as it takes, and running the command by what is heard. */
import { type Clock, type State, type Transport, type Watch, watch } from "../../src/client/mod.ts";
import type { DavEffects } from "../../src/client/watch/dav.ts";
import { createLook } from "../../src/client/watch/look.ts";
import type { Runs } from "./runs.ts";

type Deps = {
  effects: DavEffects;
  clock: Clock;
  openRuns: (prepare: () => Promise<void>) => Runs;
  note: (line: string) => void;
};

const SHOWN: Record<State, string> = {
  push: "told by push",
  poll: "polling",
  offline: "offline: the server is not reached",
};

/** Watches each address by its transport. Resolves when the signal has aborted and all is left in good order: a subscription that is kept goes on. */
export async function keepInStep(
  { effects, clock, openRuns, note }: Deps,
  watched: Map<string, Transport>,
): Promise<void> {
  const { fetch, headers, signal, pace } = effects;
  const runs = openRuns(async () => void await Promise.all(prepares.map((prepare) => prepare())));
  const watches = [...watched].map(([url, transport]) =>
    watch({
      url,
      fetch,
      headers,
      transports: [transport],
      clock,
      random: pace.random,
      changed: runs.ring,
      state: (state) => note(`${url}: ${SHOWN[state]}`),
      reported: ({ message }) => note(`warning: ${message}`),
    })
  );
  const prepares = [...watched.keys()].map((url, at) => passOver(createLook(effects, url), watches[at]!));
  // Whatever came while nothing of this ran, or the user has written.
  runs.ring();
  await untilAborted(signal);
  await Promise.all([...watches.map((each) => each.close()), runs.ended()]);
}

/** What is there before the command runs it has afterwards: what is told of that later, merged, is no second change. */
function passOver(look: ReturnType<typeof createLook>, { synced }: Watch): () => Promise<void> {
  return async () => {
    // A server that is not reached is the watch's to tell.
    const { collections } = await look().catch(() => ({ collections: [] }));
    for (const { url, mark } of collections) if (mark !== undefined) synced(url, mark);
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
