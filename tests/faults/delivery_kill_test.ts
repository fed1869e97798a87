/** kill -9 of the real worker in the middle of a fan-out: everybody is told the newest, and few are told twice. */
import { equal, ok } from "../helpers/assert.ts";
import { makePlace } from "../helpers/main_database.ts";
import { openPushService } from "../helpers/push_service.ts";
import { storeSubscriptions } from "../helpers/stored_subscriptions.ts";
import { ring } from "../helpers/worker.ts";

const TOPIC = "https://dav.example/alice/work/";
const SUBSCRIBERS = 5_000;
const ROUNDS = 20;

/** After so many kills everybody must have the newest. */
const EVERY = 4;

/** Milliseconds that a worker lives after it was told of a change. */
const SHORTEST_LIFE = 200;
const LONGEST_LIFE = 1_800;

/** Milliseconds between two checkpoints, with the time that writing one may take; and deliveries under way. */
const CHECKPOINT = 1_500;
const UNDER_WAY = 64;

type Arrival = { path: string; token: string; at: number };

Deno.test(`kill: over ${ROUNDS} kills in the middle of a fan-out to ${SUBSCRIBERS} subscriptions nobody misses the newest, few are told twice`, async () => {
  await using service = await openPushService();
  await using place = await makePlace(await service.env());
  await storeSubscriptions(place.path, service, { topic: TOPIC, count: SUBSCRIBERS });
  const kills: number[] = [], arrivals: Arrival[] = [], told = new Map<string, Set<string>>();
  for (let round = 0; round < ROUNDS; round++) {
    {
      await using worker = await place.start();
      await ring({ url: worker.url, local: await place.localIssuer() }, { topic: TOPIC, "sync-token": `${round}` });
      const seen = service.requests.length;
      await service.until(() => service.requests.length > seen, 60_000);
      await new Promise((resolve) =>
        setTimeout(resolve, SHORTEST_LIFE + Math.random() * (LONGEST_LIFE - SHORTEST_LIFE))
      );
      await worker.end("SIGKILL");
      kills.push(performance.now());
    }
    // Another change would hide what this one's kill has lost.
    if (round % EVERY !== EVERY - 1) continue;
    await using _next = await place.start();
    await service.until(() => toldOf(`${round}`) === SUBSCRIBERS, 180_000);
  }
  const { repeats, worth } = judge(arrivals, kills);
  const duplicates = repeats.reduce((a, b) => a + b);
  console.log(`kills ${kills.length}, delivered ${service.requests.length}, duplicates ${duplicates}`);
  for (const [round, count] of repeats.entries()) {
    // A machine with more to do writes a checkpoint late: a single one by as much again.
    ok(count <= 2 * worth[round]!, `round ${round}: ${count} of ${worth[round]}`);
  }
  // Over all kills that evens out.
  const allowed = worth.reduce((a, b) => a + b);
  ok(duplicates <= allowed, `${duplicates} of ${allowed}: ${repeats.join()} of ${worth.join()}`);
  equal(service.refusals, []);

  /** How many were told this sync-token. */
  function toldOf(token: string): number {
    for (const { path, text, at } of service.requests.slice(arrivals.length)) {
      const arrival = { path, at, token: tokenOf(text) };
      arrivals.push(arrival);
      if (!told.has(arrival.token)) told.set(arrival.token, new Set());
      told.get(arrival.token)!.add(path);
    }
    return told.get(token)?.size ?? 0;
  }
});

const tokens = new Map<string, string>();

function tokenOf(text: string): string {
  const known = tokens.get(text);
  if (known !== undefined) return known;
  const token = JSON.parse(text).push.messages[0]["sync-token"];
  tokens.set(text, token);
  return token;
}

/** For each kill: who was told the same before it and after, and how many that may be. */
function judge(arrivals: Arrival[], kills: number[]): { repeats: number[]; worth: number[] } {
  const last = new Map<string, number>();
  const repeats = kills.map(() => 0);
  for (const { path, token, at } of arrivals) {
    const before = last.get(`${path} ${token}`);
    if (before !== undefined) repeats[kills.findIndex((kill) => kill > before)]!++;
    last.set(`${path} ${token}`, at);
  }
  const worth = kills.map((kill) =>
    UNDER_WAY + arrivals.filter(({ at }) => at < kill && at > kill - CHECKPOINT).length
  );
  return { repeats, worth };
}
