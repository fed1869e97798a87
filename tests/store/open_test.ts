import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../src/store/open.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { withDeadline } from "../../src/store/deadline.ts";
import { launchDenokv } from "../../scripts/lib/denokv.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { enter } from "../helpers/database_server.ts";

async function refusal(path: string): Promise<string> {
  try {
    (await openStore(path)).close();
  } catch (thrown) {
    ok(thrown instanceof StoreError);
    return thrown.message;
  }
  throw new Error("expected a refusal");
}

Deno.test("open: a folder that does not exist is made", async () => {
  const folder = await Deno.makeTempDir();
  const kv = await openStore(`${folder}/a/b/k.sqlite3`);
  kv.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("open: a database that is made is its owner's alone, one that exists keeps its mode", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/k.sqlite3`;
  const modes = async () => {
    using kv = await openStore(path);
    await kv.set(["a"], 1);
    return Deno.readDirSync(folder).map(({ name }) => Deno.statSync(`${folder}/${name}`).mode! & 0o777).toArray();
  };
  // The file, and its -wal and -shm.
  equal(await modes(), [0o600, 0o600, 0o600]);
  await Deno.chmod(path, 0o640);
  equal(new Set(await modes()), new Set([0o640]));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("open: a corrupt file is refused untouched, and the advice names it", async () => {
  const path = await Deno.makeTempFile();
  const garbage = crypto.getRandomValues(new Uint8Array(8192));
  await Deno.writeFile(path, garbage);
  const message = await refusal(path);
  ok(message.includes("corrupt") && message.includes(path) && message.includes("backup"));
  equal(await Deno.readFile(path), garbage);
  await Deno.remove(path);
});

Deno.test("open: a file that is corrupt behind its head is refused as such", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const kv = await openStore(path);
  for (let n = 0; n < 500; n++) await kv.set(["filling", n], new Uint8Array(500));
  kv.close();
  const file = new DatabaseSync(path);
  file.exec("PRAGMA journal_mode = DELETE");
  file.close();
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.fill(0xaa, 4096 + 8));
  ok((await refusal(path)).includes("corrupt"));
  await Deno.remove(path);
});

Deno.test("open: a path that cannot be a file is refused with advice", async () => {
  ok((await refusal("/proc/carillon/k.sqlite3")).includes("writable"));
});

Deno.test("deadline: a call that never answers is unknown, one that fails is refused, one that answers passes", async () => {
  await refuses("kv_timeout", () => withDeadline("testing", new Promise(() => {}), 1));
  await refuses("kv_failed", () => withDeadline("testing", Promise.reject(new Error("secret"))));
  equal(await withDeadline("testing", Promise.resolve(7)), 7);
});

Deno.test("open: a database file that another process holds locked is refused, not waited for", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  (await openStore(path)).close();
  // openKv on a locked file pends for ever and cannot be cancelled: it runs in a process of its own.
  const lock = new DatabaseSync(path);
  lock.exec("BEGIN EXCLUSIVE");
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts"],
    env: { PORT: "0", CARILLON_KV: path, NO_COLOR: "1" },
  });
  const { code, stderr } = await worker.output();
  lock.exec("COMMIT");
  lock.close();
  equal(code, 69);
  ok(new TextDecoder().decode(stderr).includes("locked"));
  await Deno.remove(path);
});

/** How a worker ends that cannot start: its code, what it says, and how long that took, milliseconds. */
async function startAndFail(env: Record<string, string>) {
  const since = performance.now();
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts"],
    env: { PORT: "0", NO_COLOR: "1", ...env },
  });
  const { code, stderr } = await worker.output();
  return { code, said: new TextDecoder().decode(stderr), milliseconds: performance.now() - since };
}

Deno.test("open: a platform that gives memory where no database is attached is refused", async () => {
  const deploy = { DENO_DEPLOYMENT_ID: "the-tests", DENO_KV_DB_MODE: "memory" };
  const { code, said } = await startAndFail(deploy);
  equal([code, said.includes("does not keep"), said.includes("Attach a Deno KV database")], [69, true, true]);
});

Deno.test("open: a database server that is not there, or never answers, is refused by name within five seconds", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const addresses = [silent, gone].map(({ addr }) => `http://127.0.0.1:${addr.port}`);
  gone.close();
  for (const address of addresses) {
    const { code, said, milliseconds } = await startAndFail({
      CARILLON_KV: address,
      DENO_KV_ACCESS_TOKEN: "x".repeat(12),
    });
    equal([code, said.includes(address), /server does not answer|DENO_KV_ACCESS_TOKEN/.test(said)], [69, true, true]);
    ok(milliseconds < 7_000, `${milliseconds}`);
  }
});

const testDenokv = await component("denokv", findDenokv);

testDenokv("open: a database server that knows another token is refused, and the advice names it", async () => {
  const folder = await Deno.makeTempDir();
  await using denokv = await launchDenokv(`${folder}/kv.sqlite3`);
  const env = { CARILLON_KV: denokv.url, DENO_KV_ACCESS_TOKEN: "of-somebody-else" };
  const { code, said } = await startAndFail(env);
  equal([code, said.includes("DENO_KV_ACCESS_TOKEN"), said.includes("somebody")], [69, true, false]);
  await Deno.remove(folder, { recursive: true });
});

testDenokv("open: workers that start together on one database do not take each other's probe for a loss", async () => {
  const folder = await Deno.makeTempDir();
  await using denokv = await launchDenokv(`${folder}/kv.sqlite3`);
  enter();
  const opened = await Promise.all(Array.from({ length: 20 }, () => openStore(denokv.url)));
  for (const kv of opened) kv.close();
  await Deno.remove(folder, { recursive: true });
});
