/** Streams that come and go: each matches a topic of its own, every second one resumes where the last one left. */
import { followStream } from "./follow_stream.ts";

/** How long one stays, milliseconds. */
const STAYS = 1_000;

type Options = { port: number; token: string; count: number; seconds: number; topics: number };

/** Opens and closes `count` streams over so many seconds; answers what became of them. Throws when one is refused. */
export async function churn({ port, token, count, seconds, topics }: Options) {
  const done = { opened: 0, resumed: 0, events: 0 }, visits: Promise<void>[] = [], begun = performance.now();
  let place: string | undefined;
  for (let index = 0; index < count; index++) {
    await sleep(begun + index * (seconds * 1000 - STAYS) / count - performance.now());
    visits.push(visit(index));
  }
  await Promise.all(visits);
  return done;

  async function visit(index: number): Promise<void> {
    const lastEventId = index % 2 ? place : undefined;
    const stream = await followStream(port, { token, match: `t/${index % topics}`, lastEventId });
    await sleep(STAYS);
    place = stream.lastId ?? place;
    done.opened++;
    done.resumed += lastEventId ? 1 : 0;
    done.events += stream.events;
    await stream.close();
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
