/** Whether memory is short: told from two marks, so that it does not flap. */
import type { Logger } from "@logtape/logtape";
import type { ReadMemory } from "../memory.ts";
import type { Metrics } from "../metrics.ts";

/** Shares of what may be used: short from the one on, until less than the other is. V8's garbage reaches 0.84. */
export const SHORT = 0.9;
export const PLENTY = 0.8;

export type MemoryWatch = ReturnType<typeof createMemoryWatch>;

export function createMemoryWatch(
  { readMemory, metrics, log }: { readMemory: ReadMemory; metrics: Metrics; log: Logger },
) {
  let isShort = false;

  /** Reads it, and answers whether it is short. */
  function look(): boolean {
    const ratio = Math.max(0, ...readMemory().map(({ used, limit }) => used / limit));
    const wasShort = isShort;
    isShort = ratio >= (wasShort ? PLENTY : SHORT);
    metrics.memoryRatio.set(ratio);
    metrics.memoryShort.set(isShort ? 1 : 0);
    if (isShort !== wasShort) tell(ratio);
    return isShort;
  }

  function tell(ratio: number): void {
    const percent = Math.round(100 * ratio);
    if (isShort) log.warning("memory is short, no more streams are taken: {percent} % is used", { percent });
    else log.info("memory is not short any more: {percent} % is used", { percent });
  }

  return { look };
}
