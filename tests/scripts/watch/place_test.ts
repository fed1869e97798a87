import fc from "fast-check";
import { Refusal } from "../../../scripts/lib/command.ts";
import { openPlace, stateFolder } from "../../../scripts/watch/place.ts";
import { equal, ok } from "../../helpers/assert.ts";

const KEPT = {
  subscription: "https://push.example/-/push/subscription/a",
  endpoint: "https://push.example/-/push/push/b",
  keys: { privateKey: { kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" }, auth: "auth" },
  last: { id: "1", urgency: "very-low" as const },
  vapidKey: "key",
};

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await run(`${folder}/carillon`).finally(() => Deno.remove(folder, { recursive: true }));
}

/** The one file of a folder that ends so. */
async function fileIn(folder: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  return `${folder}/${names.find((name) => name.endsWith(".json"))}`;
}

const quiet = (line: string) => {
  throw new Error(line);
};

Deno.test("watch place: what is kept is read again, by the user alone, and nothing of another name", () =>
  inFolder(async (folder) => {
    using place = await openPlace(folder, "alice", quiet);
    equal(place.read(), undefined);
    place.write(KEPT);
    equal(place.read(), KEPT);
    equal([(await Deno.stat(folder)).mode! & 0o777, (await Deno.stat(await fileIn(folder))).mode! & 0o777], [
      0o700,
      0o600,
    ]);
    using other = await openPlace(folder, "bob", quiet);
    equal(other.read(), undefined);
    place.remove();
    place.remove();
    equal(place.read(), undefined);
  }));

Deno.test("watch place: it is one process's at a time", () =>
  inFolder(async (folder) => {
    const first = await openPlace(folder, "alice", quiet);
    const thrown = await openPlace(folder, "alice", quiet).catch((thrown) => thrown);
    ok(thrown instanceof Refusal && /end that first/.test(thrown.message));
    first[Symbol.dispose]();
    using second = await openPlace(folder, "alice", quiet);
    equal(second.read(), undefined);
  }));

Deno.test("watch place: a file that is damaged is none, whatever stands in it", () =>
  inFolder(async (folder) => {
    using place = await openPlace(folder, "alice", quiet);
    place.write(KEPT);
    const file = await fileIn(folder);
    const damaged = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(...Object.keys(KEPT).filter((key) => key !== "last")).map((key) =>
        JSON.stringify({ ...KEPT, [key]: 1 })
      ),
    );
    fc.assert(fc.property(damaged, (text) => {
      Deno.writeTextFileSync(file, text);
      equal(place.read(), undefined);
    }));
  }));

Deno.test("watch place: where nothing can be kept a watch goes on, and says so once", () =>
  inFolder(async (folder) => {
    const notes: string[] = [];
    using place = await openPlace(folder, "alice", (line) => notes.push(line));
    await Deno.remove(folder, { recursive: true });
    place.write(KEPT);
    place.write(KEPT);
    equal([notes.length, place.read()], [1, undefined]);
    ok(notes[0]!.startsWith("warning: nothing can be kept in"), notes[0]);
  }));

Deno.test("watch place: it is below XDG_STATE_HOME, or else the home", () => {
  equal(stateFolder({ XDG_STATE_HOME: "/state", HOME: "/home/a" }), "/state/carillon");
  equal(stateFolder({ XDG_STATE_HOME: "relative", HOME: "/home/a" }), "/home/a/.local/state/carillon");
  equal(stateFolder({ HOME: "/home/a" }), "/home/a/.local/state/carillon");
});
