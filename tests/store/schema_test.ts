import { checkSchema, migrate, type Migration } from "../../src/store/schema.ts";
import { openStore } from "../../src/store/open.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { equal, ok } from "../helpers/assert.ts";
import { faultyKv } from "../helpers/broker.ts";
import { testStores } from "../helpers/stores.ts";

const KEY = ["schema"];
const OLD = ["old"], NEW = ["new"];

const everything = (kv: Deno.Kv) => Array.fromAsync(kv.list({ prefix: [] }));

async function refusal(call: () => Promise<unknown>): Promise<string> {
  const thrown = await call().then(() => undefined, (thrown) => thrown);
  ok(thrown instanceof StoreError, `${thrown}`);
  return thrown.message;
}

/** Moves what is under one name to another, one commit a record, and adds one to it. */
async function move(kv: Deno.Kv): Promise<void> {
  for await (const entry of kv.list<number>({ prefix: OLD })) {
    await kv.atomic().check(entry).delete(entry.key).set([...NEW, entry.key[1]!], entry.value + 1).commit();
  }
}

const nothing: Migration = () => Promise.resolve();

async function withOld(kv: Deno.Kv, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await kv.set([...OLD, n], n);
  await migrate(kv, [nothing]);
}

const moved = async (kv: Deno.Kv) => (await Array.fromAsync(kv.list({ prefix: NEW }))).map(({ value }) => value);

testStores("schema: a new database gets the version of whoever opens it, written once", async (openKv) => {
  await using kv = await openKv();
  await Promise.all([migrate(kv), migrate(kv), migrate(kv)]);
  const { value, versionstamp } = await kv.get(KEY);
  equal(value, 1);
  await migrate(kv);
  equal((await kv.get(KEY)).versionstamp, versionstamp);
});

testStores("schema: every step that is missing is taken, in order, and none again", async (openKv) => {
  await using kv = await openKv();
  const taken: string[] = [];
  const step = (name: string) => () => Promise.resolve(void taken.push(name));
  await migrate(kv, [step("a")]);
  await migrate(kv, [step("a"), step("b"), step("c")]);
  await migrate(kv, [step("a"), step("b"), step("c")]);
  equal([taken, (await kv.get(KEY)).value], [["a", "b", "c"], 3]);
});

testStores(
  "schema: of workers that start together each record is changed by one, and the version goes up once",
  async (openKv) => {
    await using kv = await openKv();
    await withOld(kv, 50);
    await Promise.all(Array.from({ length: 4 }, () => migrate(kv, [nothing, move])));
    equal([(await moved(kv)).length, (await kv.get(KEY)).value], [50, 2]);
    equal(await moved(kv), Array.from({ length: 50 }, (_, n) => n + 1));
  },
);

testStores(
  "schema: a step that was cut off is taken up by whoever starts next, without harm to what was done",
  async (openKv) => {
    await using kv = await openKv();
    await withOld(kv, 10);
    let commits = 0;
    const dying = faultyKv(kv, (commit) => ++commits > 4 ? Promise.reject(new Error("killed")) : commit());
    const cut = await migrate(dying, [nothing, move]).then(() => false, () => true);
    equal([cut, (await moved(kv)).length, (await kv.get(KEY)).value], [true, 4, 1]);
    await migrate(kv, [nothing, move]);
    equal([await moved(kv), (await kv.get(KEY)).value], [Array.from({ length: 10 }, (_, n) => n + 1), 2]);
  },
);

testStores(
  "schema: a worker that dies before it writes the version down leaves a step that is repeated",
  async (openKv) => {
    await using kv = await openKv();
    await withOld(kv, 3);
    await move(kv);
    await migrate(kv, [nothing, move]);
    equal([await moved(kv), (await kv.get(KEY)).value], [[1, 2, 3], 2]);
  },
);

Deno.test("schema: a newer database is refused in two lines with both versions, and nothing is written to it", async () => {
  const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
  const kv = await openStore(path);
  await kv.set(KEY, 7);
  const before = await everything(kv);
  const message = await refusal(() => openStore(path));
  equal(message.split("\n").length, 2);
  ok(message.includes("is 7") && message.includes("knows 1") && message.includes("newer"), message);
  equal(await everything(kv), before);
  kv.close();
  await Deno.remove(path);
});

testStores("schema: a version that is none is refused with its key, and stays", async (openKv) => {
  for (const value of [null, -1, 1.5, "1", 1n, { version: 1 }, new Uint8Array([1])]) {
    await using kv = await openKv();
    await kv.set(KEY, value);
    ok((await refusal(() => checkSchema(kv))).includes('["schema"]'));
    ok((await refusal(() => migrate(kv))).includes('["schema"]'));
    equal((await kv.get(KEY)).value, value);
  }
});

for (
  const [what, args, exit] of [["worker", ["main.ts"], 69], [
    "command",
    ["scripts/token.ts", "--publish", "a", "--url", "http://localhost"],
    1,
  ]] as const
) {
  Deno.test(`schema: a ${what} that is older than its database ends with ${exit}, and says what to do`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".sqlite3" });
    const kv = await openStore(path);
    await kv.set(KEY, 2);
    kv.close();
    const env = { PORT: "0", CARILLON_KV: path, NO_COLOR: "1" };
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", ...args], env }).output();
    const text = new TextDecoder().decode(stderr);
    equal(code, exit);
    ok(text.includes("schema version is 2, this one knows 1") && !text.includes("    at "), text);
    await Deno.remove(path);
  });
}
