import { createLiving } from "../../src/broker/living.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

/** A database that numbers what is written in it, and workers that write there. */
function createCell() {
  const clock = manualClock(), records = new Map<string, string>();
  let commits = 0;
  const write = (worker: string) => {
    records.set(worker, `${++commits}`.padStart(20, "0"));
    return records.get(worker)!;
  };

  function join(me: string) {
    const renew = () => Promise.resolve(living.wrote(write(me)));
    const others = () =>
      Promise.resolve(
        [...records].filter(([worker]) => worker !== me).map(([worker, versionstamp]) => ({ worker, versionstamp })),
      );
    const living = createLiving({ clock, renew, others });
    return { renew, living: async () => [...await living.living()].sort() };
  }

  return { clock, write, join, records };
}

Deno.test("living: whoever wrote after this worker's first write lives, also unwatched", async () => {
  const cell = createCell(), here = cell.join("here");
  await here.renew();
  for (const worker of ["a", "b"]) cell.write(worker);
  equal(await here.living(), ["a", "b"]);
});

Deno.test("living: whoever has not written for a lapse does not live", async () => {
  const cell = createCell(), here = cell.join("here");
  for (let seconds = 0; seconds <= 60; seconds += 5) {
    await here.renew();
    cell.write("a");
    if (seconds <= 30) cell.write("b");
    cell.clock.advance(5_000);
  }
  equal(await here.living(), ["a"]);
  for (let seconds = 0; seconds <= 30; seconds += 5) (await here.renew(), cell.clock.advance(5_000));
  equal(await here.living(), []);
});

Deno.test("living: a worker that is too young to know waits until each has written, or should have", async () => {
  const cell = createCell();
  for (const worker of ["dead", "a"]) cell.write(worker);
  const here = cell.join("here");
  let found: string[] | undefined;
  const asked = here.living().then((living) => found = living);
  const wait = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      await new Promise((resolve) => setTimeout(resolve));
      cell.clock.advance(1_000);
    }
    await new Promise((resolve) => setTimeout(resolve));
  };
  await wait(4);
  cell.write("a");
  await wait(4);
  equal(found, undefined);
  await wait(4);
  await asked;
  equal(found, ["a"]);
});

Deno.test("living: alone nobody is waited for", async () => equal(await createCell().join("here").living(), []));

Deno.test("living: however often this worker writes, it looks back no further than a lapse, and not less", async () => {
  const cell = createCell(), here = cell.join("here");
  await here.renew();
  for (let n = 0; n < 400; n++) {
    cell.clock.advance(100);
    if (n === 250) cell.write("a");
    if (n === 150) cell.write("b");
    await here.renew();
  }
  equal(await here.living(), ["a"]);
});
