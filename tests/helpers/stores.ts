/** The contract of storage: a test of it runs over memory, over a file and over a real denokv. */
import { launchDenokv } from "../../scripts/lib/denokv.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { component } from "./component.ts";
import { enter } from "./database_server.ts";

type ScopedKv = Deno.Kv & AsyncDisposable;

/** Opens an empty database that is gone at the end of the scope. */
export type OpenKv = () => Promise<ScopedKv>;

const withDenokv = await component("denokv", findDenokv);

type Run = (openKv: OpenKv) => Promise<void>;

/** Registers a test for each store. */
export function testStores(title: string, run: Run): void {
  testEmbedded(title, run);
  withDenokv(`${title} (denokv)`, () => run(openDenokv));
}

/** Registers a test for each store that needs no server. */
export function testEmbedded(title: string, run: Run): void {
  Deno.test(`${title} (memory)`, () => run(openMemory));
  Deno.test(`${title} (file)`, () => run(openFile));
}

async function openMemory(): Promise<ScopedKv> {
  const kv = await Deno.openKv(":memory:");
  return scoped(kv, new AsyncDisposableStack());
}

async function openFile(): Promise<ScopedKv> {
  const things = new AsyncDisposableStack(), folder = await makeFolder(things);
  return scoped(await Deno.openKv(`${folder}/kv.sqlite3`), things);
}

async function openDenokv(): Promise<ScopedKv> {
  const things = new AsyncDisposableStack(), folder = await makeFolder(things);
  const { url } = things.use(await launchDenokv(`${folder}/kv.sqlite3`));
  enter();
  return scoped(await Deno.openKv(url), things);
}

async function makeFolder(things: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "carillon-" });
  things.defer(() => Deno.remove(folder, { recursive: true }));
  return folder;
}

/** What is under the database goes after it. */
function scoped(kv: Deno.Kv, things: AsyncDisposableStack): ScopedKv {
  things.defer(() => kv.close());
  return Object.assign(kv, { [Symbol.asyncDispose]: () => things.disposeAsync() });
}
