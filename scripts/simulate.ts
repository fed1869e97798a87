/** `deno task simulate`: what push and polling cost and bring, by the broker's own windows, merging and telling. */
import { ASSUMED, countDevices, type Load, LOADS, type Size } from "./simulate/assumptions.ts";
import { makeDocuments } from "./simulate/documents.ts";
import { toFigures } from "./simulate/figures.ts";
import { VARIED, vary } from "./simulate/sensitivity.ts";
import { type Outcome, simulate } from "./simulate/simulate.ts";
import { STRATEGIES, type Strategy } from "./simulate/strategies.ts";
import { printTable } from "./lib/table.ts";
import { tableOf } from "./simulate/table.ts";
import { startThreads, type Threads } from "./simulate/threads.ts";
import { runCommand, UsageError } from "./lib/command.ts";
import { note, print } from "./lib/print.ts";

/** More would not fit into what one simulation counts with: a second has a number of its own. */
const MOST_DAYS = 366;
const MOST_USERS = 10_000_000;

const help = `
deno task simulate [--load NAME] [--strategy NAME] [--users N] [--days N] [--seed N] [--json | --write]

Simulates users, their devices and what they change, and shows for each load and strategy what the DAV server is asked,
how often a device is woken, and how soon it sees a change. The same seed gives the same figures.

  --load NAME      this load alone: ${namesOf(LOADS)}
  --strategy NAME  this strategy alone: ${namesOf(STRATEGIES)}
  --users N        users, with 2.5 devices each (1000)
  --days N         days (2); the first one is a Monday
  --seed N         another number, other luck (1)
  --json           figures as JSON instead of tables
  --write          writes the tables and pictures of docs/push-or-poll.md, whose words stay as they are
  -h, --help       show this
`;

const options = {
  load: { type: "string" },
  strategy: { type: "string" },
  users: { type: "string", default: "1000" },
  days: { type: "string", default: "2" },
  seed: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
} as const;

await runCommand({ name: "simulate", help, options }, async ({ values, positionals: [stray] }) => {
  if (stray !== undefined) throw new UsageError(`what is not understood: ${stray}`);
  if (values.write && (values.json || values.load !== undefined || values.strategy !== undefined)) {
    throw new UsageError("--write is for the whole document, and stands without --json, --load and --strategy");
  }
  const size = {
    users: parseCount(values.users, "--users", MOST_USERS),
    days: parseCount(values.days, "--days", MOST_DAYS),
    seed: parseCount(values.seed, "--seed", 2 ** 31 - 1),
  };
  const loads = pick(LOADS, values.load), strategies = pick(STRATEGIES, values.strategy);
  using threads = startThreads();
  const outcomes = await simulateEach(threads, size, loads, strategies);
  if (values.write) await writeDocuments(threads, size, outcomes);
  else if (values.json) await print(JSON.stringify(outcomes.map(toFigures), undefined, 2));
  else await print(loads.map((load) => printLoad(load, outcomes)).join("\n\n"));
});

function namesOf(kinds: { name: string }[]): string {
  return kinds.map(({ name }) => name).join(", ");
}

function parseCount(text: string, flag: string, most: number): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= most) return count;
  throw new UsageError(`${flag} was not understood, write a whole number from 1 to ${most}: ${text}`);
}

function pick<T extends { name: string }>(kinds: T[], wanted: string | undefined): T[] {
  const found = kinds.filter(({ name }) => wanted === undefined || name === wanted);
  if (found.length === 0) throw new UsageError(`there is no ${wanted}, but ${namesOf(kinds)}`);
  return found;
}

async function simulateEach({ simulateAll }: Threads, size: Size, loads: Load[], strategies: Strategy[]) {
  const outcomes: Outcome[] = [], begun = performance.now();
  for (const load of loads) {
    for (const strategy of strategies) {
      note(`  ${load.name}, ${strategy.name} …`);
      outcomes.push(await simulate({ size, assumptions: ASSUMED, load, strategy }, simulateAll));
    }
  }
  const deviceDays = outcomes.length * countDevices(size.users) * size.days;
  note(`  ${deviceDays} device-days, ${Math.round(deviceDays / (performance.now() - begun) * 1000)} a second`);
  return outcomes;
}

function printLoad(load: Load, outcomes: Outcome[]): string {
  const figures = outcomes.filter(({ scenario }) => scenario.load === load).map(toFigures);
  const changes = figures[0]!.changes.toFixed(1);
  return `${load.name}: ${changes} changes for a device to see in a day\n${printTable(tableOf(figures))}`;
}

async function writeDocuments({ simulateAll }: Threads, size: Size, outcomes: Outcome[]): Promise<void> {
  note(`  ${VARIED} more with other assumptions …`);
  const varied = await vary(size, (scenario) => simulate(scenario, simulateAll));
  for (const { file, text } of await makeDocuments(size, outcomes, varied)) {
    await Deno.writeTextFile(file, text);
    await print(file.pathname);
  }
}
