/** What the owner before left waiting. */
import { setAside } from "../../store/set_aside.ts";
import { readWindows, windowKey } from "../../store/windows.ts";
import type { Shard } from "./shard.ts";
import { fromRecord } from "./window.ts";

/** Reads the windows of a shard that was just taken. Throws when it is lost. */
export async function loadWindows(shard: Shard): Promise<void> {
  const { kv, clock } = shard.deps;
  for (const { hash, window } of await shard.insist(() => Array.fromAsync(readWindows(kv, shard.number)))) {
    if (window) shard.windows.set(hash, fromRecord(hash, window, clock.elapsed(), shard));
    else setAside(shard.deps, "window", windowKey(shard.number, hash));
  }
}
