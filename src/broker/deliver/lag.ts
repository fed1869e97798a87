/** How far shards are behind the journal, in time and in bytes, as far as this process has seen it grow. */
import type { Clock } from "../../clock.ts";

/** The journal is marked so often, milliseconds; the marks of a day are kept. */
const EVERY = 10_000;
const MAX_MARKS = 8_640;

/** The first batch after a mark, when it came, and how many bytes came before it. */
type Mark = { versionstamp: string; at: number; before: number };

export type Lag = { milliseconds: number; bytes: number };

export function createLag(clock: Clock) {
  const marks: Mark[] = [];
  let total = 0;

  function seen(versionstamp: string, bytes: number): void {
    const at = clock.elapsed();
    if (at - (marks.at(-1)?.at ?? -Infinity) >= EVERY) marks.push({ versionstamp, at, before: total });
    if (marks.length > MAX_MARKS) marks.shift();
    total += bytes;
  }

  /** What lies between a cursor and the newest batch. */
  function behind(cursor: string): Lag {
    const mark = marks.find(({ versionstamp }) => versionstamp > cursor);
    if (!mark) return { milliseconds: 0, bytes: 0 };
    return { milliseconds: clock.elapsed() - mark.at, bytes: total - mark.before };
  }

  return { seen, behind };
}
