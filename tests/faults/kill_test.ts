import { accessToken, postEvent, ring, securityEvent } from "../helpers/worker.ts";
import { openStream } from "../helpers/event_source.ts";
import { localIssuerOf, startMain } from "../helpers/main_process.ts";
import { equal, ok } from "../helpers/assert.ts";

const ROUNDS = 20;
const PUBLISHERS = 20;
const MAX_LIFE = 250;

/** Publishes one SET after the other until the worker dies; what was not acknowledged is sent again in the next round. */
function createPublisher(name: number, acknowledged: string[]) {
  let number = 0;
  let unsure: { set: string; data: string } | undefined;
  return async (worker: Parameters<typeof securityEvent>[0]) => {
    while (true) {
      const data = `${name}-${number}`;
      const sending: { set: string; data: string } = unsure ??= {
        set: await securityEvent(worker, [{ topic: `t/${name}`, data }]),
        data,
      };
      const response = await postEvent(worker.url, sending.set).catch(() => undefined);
      const body = await response?.text().catch(() => undefined);
      if (response?.status !== 202 || body === undefined) return;
      acknowledged.push(sending.data);
      unsure = undefined;
      number++;
    }
  };
}

const dataOf = (event: { data: string }) => JSON.parse(event.data).data as string;

Deno.test(`kill: over ${ROUNDS} kills every acknowledged change is read after resume, in one order, none twice`, async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const acknowledged: string[] = [];
  const read: string[] = [];
  const publishers = Array.from({ length: PUBLISHERS }, (_, name) => createPublisher(name, acknowledged));
  let lastId = "earliest", port = "0";

  for (let round = 0; round < ROUNDS; round++) {
    await using main = await startMain({ CARILLON_KV: path, PORT: port });
    port = new URL(main.url).port;
    const worker = { url: main.url, local: await localIssuerOf(path) };
    const stream = await openStream(
      main.hub,
      `match=*&last_event_id=${lastId}`,
      await accessToken(worker, { subscribe: ["*"] }),
    );
    const publishing = publishers.map((publish) => publish(worker));
    const before = acknowledged.length;
    const life = Promise.withResolvers<void>();
    setTimeout(life.resolve, Math.random() * MAX_LIFE);
    await life.promise;
    if (round % 5 === 4) await stream.until(() => acknowledged.length > before);
    await main.end("SIGKILL");
    await Promise.all(publishing);
    await stream.close();
    read.push(...stream.events.map(dataOf));
    lastId = stream.state.lastId || lastId;
  }

  await using main = await startMain({ CARILLON_KV: path, PORT: port });
  const worker = { url: main.url, local: await localIssuerOf(path) };
  const token = await accessToken(worker, { subscribe: ["*"], publish: ["*"] });
  await using rest = await openStream(main.hub, `match=*&last_event_id=${lastId}`, token);
  await using whole = await openStream(main.hub, "match=*&last_event_id=earliest", token);
  await ring(worker, { topic: "t/end", data: "end" });
  await rest.until(() => rest.events.some((event) => dataOf(event) === "end"));
  await whole.until(() => whole.events.some((event) => dataOf(event) === "end"));
  read.push(...rest.events.map(dataOf));

  ok(acknowledged.length > PUBLISHERS * ROUNDS, `only ${acknowledged.length} were acknowledged`);
  equal(new Set(read).size, read.length, "none twice");
  equal(acknowledged.filter((data) => !read.includes(data)), [], "none lost");
  equal(read, whole.events.map(dataOf), "one order");
  await main.end("SIGTERM");
  await Deno.remove(path);
});
