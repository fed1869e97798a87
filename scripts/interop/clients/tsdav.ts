/** tsdav, the library of web applications such as Cal.com. */
import deno from "../../../deno.json" with { type: "json" };
import { createNormaliser } from "../compare.ts";
import { type ClientKind, printError, type Step } from "../kinds.ts";
import { spendDay } from "./tsdav_day.ts";

export const tsdav: ClientKind = {
  name: "tsdav",
  needsCollections: true,
  find: () => Promise.resolve(deno.imports.tsdav.split("@").at(-1)!),
  run: async (place) => {
    const steps: Step[] = [], normalise = createNormaliser(place);
    await spendDay(place, async (name, run) => {
      const step = await run().then(
        (lines): Step => ({ name, outcome: "passed", lines }),
        (thrown): Step => ({ name, outcome: "failed", lines: [printError(thrown)] }),
      );
      steps.push({ ...step, lines: step.lines.map(normalise) });
    });
    return steps;
  },
};
