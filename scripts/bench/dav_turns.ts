/** Direct, and through something in between, in turns: what else the machine did then slowed both of them. */
import { type Mark, progress } from "./report.ts";
import { median, round } from "./statistics.ts";

/** What a part of the bench adds to its report. */
export type Part = { rows: string[][]; figures: Record<string, number>; marks: Mark[]; notes: string[] };

export const HEADING = ["", "direct", "through", "ratio", "lowest", "highest", "client cores"];

/** Above this share of a core the client, one thread, is the bottleneck. */
const CLIENT_BUSY = 0.95;

/** Runs each once a turn, every other turn in reverse. */
export async function inTurns<K extends string, T extends object>(
  name: string,
  turns: number,
  runs: Record<K, () => Promise<T>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(runs) as K[];
  const results = Object.fromEntries(names.map((key) => [key, [] as T[]])) as Record<K, T[]>;
  for (let turn = 0; turn < turns; turn++) {
    for (const key of turn % 2 ? names.toReversed() : names) {
      const result = await runs[key]();
      progress(`dav: ${name}: ${key}: ${print(result)}`);
      results[key].push(result);
    }
  }
  return results;
}

function print(result: object): string {
  return Object.entries(result).map(([name, value]) => `${name} ${round(value)}`).join(", ");
}

/** Of each turn. */
export function ratios(through: number[], direct: number[]): number[] {
  return through.map((value, turn) => value / direct[turn]!);
}

/** One line of the table. */
export function toRow(name: string, direct: number[], through: number[], clientCores: number[]): string[] {
  const each = ratios(through, direct), busy = median(clientCores);
  const figures = [median(direct), median(through), median(each), Math.min(...each), Math.max(...each), busy];
  return [name, ...figures.map((value) => `${round(value)}`)];
}

/** Where a client had no room left. */
export function busyClients(rows: string[][]): string[] {
  return rows.filter((row) => row.length === HEADING.length && Number(row.at(-1)) > CLIENT_BUSY).map(([name]) =>
    `the load client was the bottleneck: ${name}`
  );
}
