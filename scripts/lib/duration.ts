/** Durations as people write them. */
import { UsageError } from "./command.ts";

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** `90s`, `30m`, `12h`, `7d` in seconds. Throws `UsageError`. */
export function parseDuration(text: string, flag: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (!unit) throw new UsageError(`${flag} was not understood: ${text}: write it like 90s, 30m, 12h or 7d`);
  return Number(count) * SECONDS[unit]!;
}
