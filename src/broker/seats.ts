/**
 * Seats: how many event streams there may be at this process, in all and for each owner. Where memory is short it is as
 * many as there are: who leaves makes room, since what a stream used is used again, whether or not it was given back.
 */
import { CarillonError } from "../errors.ts";
import type { MemoryWatch } from "./memory_watch.ts";

/** Streams after which memory is looked at besides each second: with the longest matchers each takes 250 KB. */
const LOOK_AFTER = 16;

/** What holds a refused client's socket open is memory, too. */
const CLOSE = { connection: "close" };

export type Seats = ReturnType<typeof createSeats>;

type Deps = { max: number; maxOwned: number; memory: Pick<MemoryWatch, "look"> };

export function createSeats({ max, maxOwned, memory }: Deps) {
  const owned = new Map<string, number>();
  let taken = 0, looked = 0, whileShort = Infinity;

  /** Throws `streams_full` or `memory_short`. */
  function check(): void {
    if (taken >= max) {
      throw new CarillonError("streams_full", `the stream was refused, so many are open: ${taken}`, CLOSE);
    }
    if (taken < whileShort) return;
    throw new CarillonError("memory_short", `the stream was refused, memory is short: ${taken} are open`, CLOSE);
  }

  /** A reader without an owner is counted in all alone. Throws `too_many_streams`. */
  function checkOwner(owner: string | undefined): void {
    const count = countOf(owner);
    if (count < maxOwned) return;
    throw new CarillonError("too_many_streams", `the stream was refused, its subject has as many as it may: ${count}`);
  }

  function countOf(owner: string | undefined): number {
    return owner === undefined ? 0 : owned.get(owner) ?? 0;
  }

  /** False when there is no room: others may have come since it was checked. */
  function take(owner: string | undefined): boolean {
    if (taken >= Math.min(max, whileShort) || countOf(owner) >= maxOwned) return false;
    taken++;
    if (owner !== undefined) owned.set(owner, countOf(owner) + 1);
    if (++looked >= LOOK_AFTER) look();
    return true;
  }

  function leave(owner: string | undefined): void {
    taken--;
    if (owner === undefined) return;
    if (countOf(owner) > 1) owned.set(owner, countOf(owner) - 1);
    else owned.delete(owner);
  }

  /** Once a second: looks at the memory. */
  function look(): void {
    looked = 0;
    if (!memory.look()) whileShort = Infinity;
    else if (whileShort === Infinity) whileShort = taken;
  }

  return { check, checkOwner, take, leave, look };
}
