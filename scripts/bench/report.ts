/** What a bench found: a table for people, marks that hold or not, and last one line of JSON. */
import { printTable } from "../lib/table.ts";
import { describeMachine } from "./machine.ts";
import { round } from "./statistics.ts";

/** A figure that must be at most, or at least, so much. */
export type Mark = { name: string; value: number; atMost?: number; atLeast?: number };

/** `table` begins with its heading. `notes` say what the reader must know to judge the figures. */
export type Report = {
  bench: string;
  table: string[][];
  figures: Record<string, number>;
  marks: Mark[];
  notes?: string[];
};

/** Tells how a long bench goes on; never on stdout, which is for the table. */
export function progress(text: string): void {
  console.error(`  ${text}`);
}

/** True when every mark of the report holds. */
export function holds({ marks }: Report): boolean {
  return marks.every(isMet);
}

export function printReport(report: Report): void {
  console.log(`\n# ${report.bench}\n${describeMachine()}\n`);
  console.log(printTable(report.table) + "\n");
  for (const mark of report.marks) console.log(printMark(mark));
  for (const note of report.notes ?? []) console.log(`note   ${note}`);
  console.log("\n" + printJson(report));
}

function isMet({ value, atMost = Infinity, atLeast = -Infinity }: Mark): boolean {
  return value <= atMost && value >= atLeast;
}

function printMark(mark: Mark): string {
  const bound = mark.atMost === undefined ? `>= ${mark.atLeast}` : `<= ${mark.atMost}`;
  return `${isMet(mark) ? "holds " : "MISSED"} ${mark.name}: ${round(mark.value)} (${bound})`;
}

function printJson(report: Report): string {
  const figures = Object.fromEntries(Object.entries(report.figures).map(([name, value]) => [name, round(value)]));
  const marks = Object.fromEntries(
    report.marks.map((mark) => {
      const { name, value, atMost, atLeast } = mark;
      return [name, { value: round(value), at_most: atMost, at_least: atLeast, holds: isMet(mark) }];
    }),
  );
  return JSON.stringify({ bench: report.bench, figures, marks, holds: holds(report) });
}
