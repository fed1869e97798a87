import { DatabaseSync } from "node:sqlite";
import { openStore, StoreError } from "../../src/store/open.ts";
import { withDeadline } from "../../src/store/deadline.ts";
import { equal, ok, refuses } from "../helpers/assert.ts";

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

Deno.test("open: a corrupt file is refused untouched, and the advice names it", async () => {
  const path = await Deno.makeTempFile();
  const garbage = crypto.getRandomValues(new Uint8Array(8192));
  await Deno.writeFile(path, garbage);
  const message = await refusal(path);
  ok(message.includes("corrupt") && message.includes(path) && message.includes("backup"));
  equal(await Deno.readFile(path), garbage);
  await Deno.remove(path);
});

Deno.test("open: a path that cannot be a file is refused with advice", async () => {
  ok((await refusal("/proc/carillon/k.sqlite3")).includes("writable"));
});

Deno.test("open: workers that start together on one database do not take each other's probe for a loss", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const opened = await Promise.all(Array.from({ length: 40 }, () => openStore(path)));
  for (const kv of opened) kv.close();
  await Deno.remove(path);
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
