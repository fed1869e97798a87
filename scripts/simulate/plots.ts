/** The three pictures of docs/push-or-poll.md. */
import { countDevices, HOUR, LOADS, SECOND } from "./assumptions.ts";
import { type Axis, type Line, printChart } from "./chart.ts";
import { sums, toFigures } from "./figures.ts";
import type { Outcome } from "./simulate.ts";
import { STRATEGIES } from "./strategies.ts";
import { distribution } from "./tally.ts";

/** Files in docs/ and what is in them. */
export type Plots = Record<string, string>;

export function printPlots(outcomes: Outcome[]): Plots {
  const normal = outcomes.filter(({ scenario: { load } }) => load === LOADS[0]);
  return {
    "push-or-poll-requests.svg": printRequests(outcomes),
    "push-or-poll-staleness.svg": printStaleness(normal),
    "push-or-poll-day.svg": printDay(normal),
  };
}

const ticks = (...at: number[]) => at.map((at) => ({ at, text: `${at}` }));

const REQUESTS: Axis = {
  label: "requests/s for 1,000 devices",
  isLogarithmic: true,
  ticks: ticks(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
};

function printRequests(outcomes: Outcome[]): string {
  const steady = outcomes.filter(({ scenario: { load } }) => !load.outage);
  const lines = STRATEGIES.map(({ name }): Line => {
    const figures = steady.filter(({ scenario: { strategy } }) => strategy.name === name).map(toFigures);
    return { name, points: figures.map(({ changes, requests }) => ({ x: changes, y: requests.mean })) };
  });
  return printChart({
    title: "What the DAV server is asked",
    description:
      "A line for each strategy: what push costs grows with the changes, what a poll of a fixed interval costs grows little.",
    x: { label: "changes that a device should see in a day", isLogarithmic: true, ticks: ticks(10, 30, 100, 300) },
    y: REQUESTS,
    lines,
  });
}

function printStaleness(normal: Outcome[]): string {
  const texts = ["0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "4 h"];
  const at = [0.1, 1, 10, 60, 600, 3600, 14_400].map((at, i) => ({ at, text: texts[i]! }));
  return printChart({
    title: "How soon changes are seen, normal load",
    description: "A line for each strategy: the part of all changes that were seen within a time.",
    x: { label: "time since the change", isLogarithmic: true, ticks: at },
    y: { label: "seen, % of all", isLogarithmic: false, ticks: ticks(0, 20, 40, 60, 80, 100) },
    lines: normal.map(({ scenario: { strategy }, tally }) => ({ name: strategy.name, points: cumulated(tally) })),
  });
}

/** A point for each percent: a few hundred bytes a line. */
function cumulated(tally: Outcome["tally"]): Line["points"] {
  const points: Line["points"] = [];
  let seen = 0;
  for (const { staleness, count } of distribution(tally)) {
    seen += 100 * count / tally.due;
    if (seen >= (points.at(-1)?.y ?? -1) + 1) points.push({ x: Math.max(staleness, 1) / SECOND, y: seen });
  }
  return points;
}

function printDay(normal: Outcome[]): string {
  return printChart({
    title: "What the DAV server is asked through the day, normal load",
    description: "A line for each strategy: push follows the day, polling does not.",
    x: { label: "hour of the day", isLogarithmic: false, ticks: ticks(0, 4, 8, 12, 16, 20, 24) },
    y: REQUESTS,
    lines: normal.map((outcome) => ({ name: outcome.scenario.strategy.name, points: hours(outcome) })),
  });
}

function hours({ scenario: { size }, tally }: Outcome): Line["points"] {
  const counts = sums(tally.requests, HOUR / SECOND), perHour = new Float64Array(24);
  for (const [hour, count] of counts.entries()) perHour[hour % 24]! += count;
  const scale = 1000 / countDevices(size.users) / size.days / 3600;
  return Array.from(perHour, (count, hour) => ({ x: hour + 0.5, y: count * scale }));
}
