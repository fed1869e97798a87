/** The push service of a real worker that is killed at any moment: what was accepted is read, acknowledged or again. */
import { equal, ok } from "../helpers/assert.ts";
import { localIssuerOf, startMain } from "../helpers/main_process.ts";
import { listen, push, subscribe } from "../helpers/push_resource.ts";

const ROUNDS = 10;
const SENDERS = 10;
const MAX_LIFE = 250;

Deno.test(`push kill: over ${ROUNDS} kills every message that was accepted is read, in one order`, async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const accepted: string[] = [], read: string[] = [];
  let port = "0", number = 0, lastId = "", resource: Awaited<ReturnType<typeof subscribe>> | undefined;

  async function send(to: string, origin: string): Promise<void> {
    for (;;) {
      const text = `${number++}`, { pathname } = new URL(to);
      const sent = await push(origin + pathname, text).catch(() => undefined);
      if (sent?.status !== 201) return;
      accepted.push(text);
    }
  }

  for (let round = 0; round <= ROUNDS; round++) {
    await using main = await startMain({ CARILLON_KV: path, PORT: port });
    port = new URL(main.url).port;
    resource ??= await subscribe(
      { url: main.url, local: await localIssuerOf(path) },
    );
    const stream = await listen(resource.subscription, { query: lastId && `last_event_id=${lastId}` });
    if (round < ROUNDS) {
      const sending = Array.from({ length: SENDERS }, () => send(resource!.push, main.url));
      const life = Promise.withResolvers<void>();
      setTimeout(life.resolve, Math.random() * MAX_LIFE);
      await life.promise;
      if (round === 0) await stream.until(() => accepted.length > 20);
      await main.end("SIGKILL");
      await Promise.all(sending);
    } else {
      const { location } = await push(resource.push, "end");
      await stream.until(() => stream.told().some(({ message }) => message === location));
    }
    await stream.close();
    read.push(...stream.texts());
    lastId = stream.state.lastId || lastId;
  }

  const lost = accepted.filter((text) => !read.includes(text)), twice = read.length - new Set(read).size;
  console.log(`push kill: accepted ${accepted.length}, read ${read.length}, twice ${twice}, lost ${lost.length}`);
  ok(accepted.length > ROUNDS, `${accepted.length}`);
  equal([lost, twice], [[], 0]);
  await Deno.remove(path);
});
