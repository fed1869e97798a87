/** Simulates parts in a thread of its own. A strategy travels by its name, for it has functions. */
import type { Scenario } from "./group.ts";
import { type Part, simulatePart } from "./part.ts";
import { STRATEGIES } from "./strategies.ts";

export type Order = { scenario: Omit<Scenario, "strategy">; strategy: string; part: Part; waits?: Uint32Array };

type Thread = {
  addEventListener: (type: "message", listener: (event: MessageEvent<Order>) => void) => void;
  postMessage: (message: unknown) => void;
};

const thread = self as unknown as Thread;

thread.addEventListener("message", ({ data: { scenario, strategy: name, part, waits } }) => {
  const strategy = STRATEGIES.find((strategy) => strategy.name === name)!;
  thread.postMessage(simulatePart({ ...scenario, strategy }, part, waits));
});
