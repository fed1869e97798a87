/** What of docs/push-or-poll.md the command makes: whatever stands between its marks. */
import { LOADS, type Size } from "./assumptions.ts";
import { toFigures } from "./figures.ts";
import type { Variation } from "./sensitivity.ts";
import type { Outcome } from "./simulate.ts";
import { printMarkdown, sensitivityTable, tableOf } from "./table.ts";

export function fillPage(page: string, size: Size, outcomes: Outcome[], varied: Variation[]): string {
  const { users, days, seed } = size;
  const figures = outcomes.map(toFigures);
  const made: Record<string, string> = {
    run: `\`deno task simulate --write --users ${users} --days ${days} --seed ${seed}\``,
    sensitivity: printMarkdown(sensitivityTable(varied)),
  };
  for (const { name } of LOADS) made[name] = printMarkdown(tableOf(figures.filter(({ load }) => load === name)));
  return Object.entries(made).reduce((page, [name, text]) => fill(page, name, text), page);
}

function fill(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, rest] = page.split(begin), after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/push-or-poll.md has no ${begin} … ${end}`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}
