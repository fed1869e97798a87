/** Figures as tables, in the terminal and in the document. */
import { IMPORTANCE } from "./assumptions.ts";
import type { Figures } from "./figures.ts";
import type { Variation } from "./sensitivity.ts";

const HEAD = [
  "strategy",
  "requests/s",
  "95 %",
  "peak",
  "pushes",
  "wake-ups",
  ...IMPORTANCE.map(({ name }) => name),
  "late",
  "never",
  "queue",
];

/** One load; each row a strategy, its first the head. */
export function tableOf(figures: Figures[]): string[][] {
  return [HEAD, ...figures.map(rowOf)];
}

function rowOf({ strategy, requests, notifications, wakeUps, staleness, late, unseen, longestWait }: Figures) {
  const rates = [requests.mean, requests.p95, requests.peak].map((rate) => rate.toFixed(2));
  const seen = IMPORTANCE.map(({ name }) => `${duration(staleness[name]!.p50)} / ${duration(staleness[name]!.p99)}`);
  const daily = [notifications, wakeUps].map((count) => count.toFixed(1));
  return [strategy, ...rates, ...daily, ...seen, percent(late), percent(unseen), duration(longestWait)];
}

export function sensitivityTable(varied: Variation[]): string[][] {
  const head = [
    "assumed",
    "messages, push-each",
    "messages, push",
    "requests, push : poll-15m",
    "normal, push",
    "late, push",
    "late, push+poll-4h",
  ];
  return [
    head,
    ...varied.map(({ name, of }) => {
      const [each, push, both, poll] = [of["push-each"]!, of.push!, of["push+poll-4h"]!, of["poll-15m"]!];
      const { p50, p99 } = push.staleness.normal!, ratio = push.requests.mean / poll.requests.mean;
      const counts = [each.notifications.toFixed(1), push.notifications.toFixed(1), ratio.toFixed(2)];
      return [name, ...counts, `${duration(p50)} / ${duration(p99)}`, percent(push.late), percent(both.late)];
    }),
  ];
}

/** NaN is of nothing. */
export function percent(part: number): string {
  return Number.isNaN(part) ? "-" : `${Number((100 * part).toPrecision(2))} %`;
}

/** Seconds as people say them; NaN is of nothing. */
export function duration(seconds: number): string {
  if (Number.isNaN(seconds)) return "-";
  if (seconds < 90) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 36 * 3600 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`;
}

export function printMarkdown([head, ...rows]: string[][]): string {
  return [head!, head!.map((_, i) => i ? "--:" : "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
