/** A worker that has little memory: streams are refused before it dies of them. */
import { equal, ok } from "../helpers/assert.ts";
import { openStream, type Reading } from "../helpers/event_source.ts";
import { localIssuerOf, type MainProcess, startMain } from "../helpers/main_process.ts";
import { accessToken, publish } from "../helpers/worker.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** Far more than fit. */
const MANY = 2_000;

/** A query for the topic `a` and for fifty that nobody else asks for: as much to remember as a request may hold. */
function query(n: number): string {
  return "match=a" + Array.from({ length: 50 }, (_, m) => `&match=${`${n}-${m}-`.padEnd(1_000, "x")}`).join("");
}

/** Opens streams until one is refused. */
async function fill({ hub }: MainProcess): Promise<{ open: Reading[]; refused: Response }> {
  const open: Reading[] = [];
  for (let n = 0; n < MANY; n++) {
    const stream = await openStream(hub, query(n));
    if (stream.response.status !== 200) return { open, refused: stream.response };
    open.push(stream);
  }
  throw new Error(`${MANY} streams were taken`);
}

async function metric({ url }: MainProcess, name: string): Promise<number> {
  const response = await fetch(`${url}/-/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(await response.text())?.[1]);
}

Deno.test("memory: streams are refused before a worker dies of them, those that are open hear all, who leaves makes room", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/carillon.sqlite3`;
  const main = await startMain({
    CARILLON_KV: path,
    CARILLON_ANONYMOUS: "true",
    CARILLON_ADMIN_TOKEN: ADMIN_TOKEN,
    DENO_V8_FLAGS: "--max-old-space-size=64",
  });
  const { open, refused } = await fill(main);
  equal([refused.status, refused.headers.get("retry-after")], [503, "10"]);
  equal([await metric(main, "carillon_streams_open"), await metric(main, "carillon_memory_short")], [open.length, 1]);
  ok(open.length > 20, `${open.length}`);
  equal(await (await fetch(`${main.url}/-/ready`)).text(), "ready\n");

  const token = await accessToken({ url: main.url, local: await localIssuerOf(path) }, { publish: ["a"] });
  equal((await publish(main.hub, token, [["topic", "a"], ["data", "to all"]])).status, 200);
  for (const stream of open) await stream.until(() => stream.events.length === 1);

  for (const stream of open.splice(0, 5)) await stream.close();
  while (await metric(main, "carillon_streams_open") !== open.length) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  for (let n = 0; n < 5; n++) {
    open.push(await openStream(main.hub, query(MANY + n)));
    equal(open.at(-1)!.response.status, 200);
  }
  equal((await openStream(main.hub, query(0))).response.status, 503);
  equal((await publish(main.hub, token, [["topic", "a"], ["data", "to all"]])).status, 200);
  await open.at(-1)!.until(() => open.at(-1)!.events.length === 1);
  await Promise.all(open.map((stream) => stream.close()));
  equal((await main.end("SIGINT")).code, 0);
  await Deno.remove(folder, { recursive: true });
});
