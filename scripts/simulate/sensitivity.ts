/** What comes of it where something else is assumed. */
import { ASSUMED, type Assumptions, LOADS, SECOND, type Size } from "./assumptions.ts";
import { type Figures, toFigures } from "./figures.ts";
import type { Scenario } from "./group.ts";
import { type Outcome } from "./simulate.ts";
import { STRATEGIES } from "./strategies.ts";

const VARIATIONS: { name: string; differs: Partial<Assumptions> }[] = [
  { name: "as assumed", differs: {} },
  { name: "nothing shared", differs: { sharedSittings: 0 } },
  { name: "shared collections change 5 times as often", differs: { sharedSittings: 5 * ASSUMED.sharedSittings } },
  { name: "10 changes in a sitting", differs: { sitting: 10 } },
  { name: "no imports", differs: { imports: { ...ASSUMED.imports, share: 0 } } },
  { name: "10 % imports", differs: { imports: { ...ASSUMED.imports, share: 0.1 } } },
  {
    name: "a day of a weekend",
    differs: {
      ownSittings: ASSUMED.weekend * ASSUMED.ownSittings,
      sharedSittings: ASSUMED.weekend * ASSUMED.sharedSittings,
    },
  },
  { name: "all hours alike", differs: { shape: ASSUMED.shape.map(() => 1) } },
  { name: "a push takes 30 s", differs: { latency: 30 * SECOND } },
  { name: "no push is lost", differs: { loss: 0 } },
  { name: "5 % of pushes are lost", differs: { loss: 0.05 } },
];

const COMPARED = ["push-each", "push", "push+poll-4h", "poll-15m"];

/** The figures of each strategy that is compared, under a normal load. */
export type Variation = { name: string; of: Record<string, Figures> };

export const VARIED = VARIATIONS.length * COMPARED.length;

export async function vary(size: Size, run: (scenario: Scenario) => Promise<Outcome>): Promise<Variation[]> {
  const varied: Variation[] = [];
  for (const { name, differs } of VARIATIONS) {
    const of: Variation["of"] = {}, assumptions = { ...ASSUMED, ...differs };
    for (const strategy of STRATEGIES.filter(({ name }) => COMPARED.includes(name))) {
      of[strategy.name] = toFigures(await run({ size, assumptions, load: LOADS[0]!, strategy }));
    }
    varied.push({ name, of });
  }
  return varied;
}
