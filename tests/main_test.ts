import { accessToken, postEvent, ring, securityEvent } from "./helpers/worker.ts";
import { openStream } from "./helpers/event_source.ts";
import { localIssuerOf, startMain } from "./helpers/main_process.ts";
import { readVapidKey } from "../src/store/keys.ts";
import { openStore } from "../src/store/open.ts";
import { equal, ok } from "./helpers/assert.ts";
import { DatabaseSync } from "node:sqlite";

async function withDatabase(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await run(`${folder}/carillon.sqlite3`);
  await Deno.remove(folder, { recursive: true });
}

async function refused(env: Record<string, string>): Promise<{ code: number; err: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts"],
    env: { NO_COLOR: "1", ...env },
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

Deno.test("main: --help says what it is, a flag is refused, and neither starts a worker", async () => {
  const run = async (...args: string[]) => {
    // A worker would end with 78.
    const options = { args: ["run", "-A", "main.ts", ...args], env: { NO_COLOR: "1", PORT: "none" } };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return [code, out!.split("\n")[0], err];
  };
  equal(await run("--help"), [0, "deno task start", ""]);
  equal(await run("--", "-h"), [0, "deno task start", ""]);
  equal(await run("--port", "9000"), [64, "", "start takes no flags: see deno task start --help.\n"]);
});

Deno.test("main: all faults of a configuration are reported at once, by variable, without values, with 78", async () => {
  const { code, err } = await refused({
    PORT: "seventy",
    CARILLON_URL: "https://push.example/path",
    CARILLON_SECRET: "short-secret",
    CARILLON_ISSUERS: '[{"iss":"a","secret":"too-short","topics":[]}]',
  });
  equal(code, 78);
  for (const variable of ["PORT", "CARILLON_URL", "CARILLON_SECRET", "CARILLON_ISSUERS"]) {
    ok(err.includes(`${variable}: `), err);
  }
  ok(!/seventy|short-secret|too-short/.test(err), err);
});

Deno.test("main: an issuer's pattern that costs too much is a fault of the configuration", async () => {
  const CARILLON_ISSUERS = JSON.stringify([{ iss: "a", secret: "x".repeat(32), topics: ["/*a*a*a*a"] }]);
  const { code, err } = await refused({ CARILLON_ISSUERS, CARILLON_KV: ":memory:", PORT: "0" });
  equal(code, 78);
  ok(err.includes("CARILLON_ISSUERS: "), err);
});

Deno.test("main: keys and events are kept over a restart, and streams are told to come back", async () => {
  await withDatabase(async (path) => {
    const first = await startMain({ CARILLON_KV: path });
    const worker = { url: first.url, local: await localIssuerOf(path) };
    const token = await accessToken(worker, { subscribe: ["*"] });
    const stream = await openStream(first.hub, "match=*", token);
    await ring(worker, { topic: "a", data: "before" });
    await stream.until(() => stream.events.length === 1);
    equal((await first.end("SIGINT")).code, 0);
    await stream.until(() => stream.state.ended);
    ok(stream.state.retry >= 2000 && stream.state.retry <= 4000, `${stream.state.retry}`);

    await using second = await startMain({ CARILLON_KV: path, PORT: new URL(first.url).port });
    await ring(worker, { topic: "a", data: "after" });
    await using resumed = await openStream(second.hub, `match=a&last_event_id=${stream.state.lastId}`, token);
    await resumed.until(() => resumed.events.length === 1);
    equal(JSON.parse(resumed.events[0]!.data).data, "after");
    equal((await second.end("SIGTERM")).code, 0);
  });
});

Deno.test("main: the port that is taken is named as the fault", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, err } = await refused({ PORT: `${taken.addr.port}`, CARILLON_KV: ":memory:" });
  taken.close();
  equal(code, 69);
  ok(err.includes("set PORT"), err);
});

Deno.test("main: a database that locks up answers 503, acknowledges nothing, and recovers", async () => {
  await withDatabase(async (path) => {
    await using main = await startMain({ CARILLON_KV: path });
    const worker = { url: main.url, local: await localIssuerOf(path) };
    const set = await securityEvent(worker, ["a"]);
    const lock = new DatabaseSync(path);
    lock.exec("BEGIN IMMEDIATE");
    const refused = await postEvent(main.url, set);
    equal([refused.status, (await refused.json()).code], [503, "kv_failed"]);
    ok(refused.headers.has("retry-after"));
    lock.exec("COMMIT");
    lock.close();
    const accepted = await postEvent(main.url, set);
    equal([accepted.status, await accepted.text()], [202, ""]);
    await using stream = await openStream(
      main.hub,
      "match=*&last_event_id=earliest",
      await accessToken(worker, { subscribe: ["*"] }),
    );
    await stream.until(() => stream.events.length === 1);
  });
});

Deno.test("main: a disk that is full answers 503, keeps every acknowledged change, and nothing half-written", async () => {
  await withDatabase(async (path) => {
    // The kernel's limit on the size of a file, in KiB, plays the full disk; writing past it then fails with EFBIG.
    const limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 1024; exec "$@"', "bash"];
    const main = await startMain({ CARILLON_KV: path }, limited);
    const worker = { url: main.url, local: await localIssuerOf(path) };
    const acknowledged: string[] = [];
    let status = 202;
    for (let n = 0; status === 202 && n < 200; n++) {
      const messages = ["first", "second"].map((half) => ({ topic: "t", data: `${n} ${half} ${"x".repeat(10_000)}` }));
      const response = await postEvent(main.url, await securityEvent(worker, messages));
      status = response.status;
      await response.body?.cancel();
      if (status === 202) acknowledged.push(...messages.map(({ data }) => data));
    }
    equal(status, 503);
    ok(acknowledged.length >= 2);
    await main.end("SIGKILL");

    await using roomy = await startMain({ CARILLON_KV: path, PORT: new URL(main.url).port });
    await using stream = await openStream(
      roomy.hub,
      "match=*&last_event_id=earliest",
      await accessToken(worker, { subscribe: ["*"] }),
    );
    await stream.until(() => stream.events.length >= acknowledged.length);
    equal(stream.events.slice(0, acknowledged.length).map(({ data }) => JSON.parse(data).data), acknowledged);
    equal(stream.events.length % 2, 0, "both halves of a SET or none");
  });
});

Deno.test("main: a database whose epoch or keys cannot be read ends with 69, says which, and stays as it is", async () => {
  for (const name of ["epoch", "vapid_key", "local_issuer", "admin_token", "hash_key"]) {
    await withDatabase(async (CARILLON_KV) => {
      const kv = await openStore(CARILLON_KV);
      await kv.set([name], { sealed: false, text: "a secret text" });
      kv.close();
      const { code, err } = await refused({ CARILLON_KV, PORT: "0" });
      equal(code, 69, err);
      ok(err.includes(`["${name}"]`) && !/secret text|^ {4}at /m.test(err), err);
    });
  }
});

Deno.test("main: without the secret that the database was sealed with it ends with 69, and says what to set", async () => {
  await withDatabase(async (CARILLON_KV) => {
    const kv = await openStore(CARILLON_KV);
    await readVapidKey(kv, "a secret of sixteen characters and more");
    kv.close();
    const { code, err } = await refused({ CARILLON_KV, PORT: "0" });
    equal(code, 69, err);
    ok(err.includes("CARILLON_SECRET") && !/^ {4}at /m.test(err), err);
  });
});
