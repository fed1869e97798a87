/** The database of the bench `scale`: filling it takes minutes, so it is kept, and each run works on a copy. */
import { join } from "node:path";
import { CACHE } from "./paths.ts";
import { progress } from "./report.ts";
import { storeSubscriptions } from "./stored_subscriptions.ts";

/** The addresses that are stored lead here: the port must be the same each time. */
export const SINK_PORT = 41_987;

export const BIG = "big";

/** Topics with one subscriber each, whose pushes the sink tells the time of. */
export const SMALL = 4_000;
export const smallTopic = (n: number) => `timed/small/${n}`;

/** Topics that change at once; every so manieth has a subscriber. */
export const MANY = 10_000;
export const EVERY = 100;
export const manyTopic = (n: number) => `timed/many/${n}`;

/** Milliseconds; what is stored ends after a week. */
const KEPT = 6 * 24 * 3_600_000;

/** Answers the folder of a database with so many subscribers of one topic, and how large it is, bytes. */
export async function scaleDatabase(subscribers: number): Promise<{ folder: string; bytes: number }> {
  const folder = join(CACHE, `scale-${subscribers}`), filling = `${folder}.filling`;
  if (!await isFresh(folder)) {
    for (const old of [folder, filling]) await Deno.remove(old, { recursive: true }).catch(() => {});
    await Deno.mkdir(filling, { recursive: true });
    await fill(join(filling, "kv.sqlite3"), subscribers);
    await Deno.rename(filling, folder);
  }
  const { size } = await Deno.stat(join(folder, "kv.sqlite3"));
  return { folder, bytes: size };
}

async function isFresh(folder: string): Promise<boolean> {
  const found = await Deno.stat(join(folder, "kv.sqlite3")).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtime!.getTime() < KEPT;
}

async function fill(file: string, subscribers: number): Promise<void> {
  progress(`scale: storing ${subscribers} subscribers of one topic, kept in ${CACHE}`);
  using kv = await Deno.openKv(file);
  const store = (count: number, topic: (n: number) => string) =>
    storeSubscriptions(kv, { count, port: SINK_PORT, topic });
  await store(subscribers, () => BIG);
  await store(SMALL, smallTopic);
  await store(MANY / EVERY, (n) => manyTopic(n * EVERY));
}
