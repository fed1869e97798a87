/** Collections that vanish, or seem to, and what the app does not take. */
import { equal } from "../../helpers/assert.ts";
import { multistatus, printCollection } from "../../helpers/dav_stub.ts";
import { openTimedWatch } from "../../helpers/timed_watch.ts";

const MINUTE = 60_000, HOUR = 60 * MINUTE, HALF = () => 0.5;
const HOME = "<response><href>/alice/work/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>" +
  "<status>HTTP/1.1 200 OK</status></propstat></response>";
const INSIDE = "/alice/work/inside/", AT = "https://dav.example/alice/work/inside/";

type Told = [string, string | undefined];

/** Watches a home that shows what `inside` says. */
async function openHome(first: string, changed: (told: Told) => void = () => {}) {
  const told: Told[] = [], state = { inside: first };
  const watch = await openTimedWatch(() => multistatus(HOME + state.inside), HALF, {
    changed: (url, token) => {
      told.push([url, token]);
      changed([url, token]);
    },
  });
  const look = async (inside: string) => {
    state.inside = inside;
    watch.watching.look();
    await watch.pass(5_000);
  };
  return { ...watch, told, look };
}

Deno.test("client watch: a deletion that the app did not take is told again", async () => {
  let isBroken = true;
  await using home = await openHome(printCollection({ href: INSIDE }), ([, token]) => {
    if (token === undefined && isBroken) throw new Error("broken");
  });
  await home.look("");
  equal(home.told.length, 2);
  isBroken = false;
  await home.pass(2 * MINUTE);
  equal(home.told.slice(1), [[AT, undefined], [AT, undefined]]);
  await home.pass(HOUR, MINUTE);
  equal(home.told.length, 3);
});

Deno.test("client watch: what the app has, and was deleted while nobody watched, is told; other homes are left alone", async () => {
  const watch = await openHome("");
  await using _ = watch;
  for (const url of [AT, "https://dav.example/alice/other/", "https://dav.example/alice/work/deep/er/", "bad"]) {
    watch.watching.synced(url, "5");
  }
  await watch.look("");
  equal(watch.told, [[AT, undefined]]);
});

Deno.test("client watch: what the app names otherwise than the server is not told as deleted", async () => {
  await using watch = await openHome("");
  for (const url of ["a%40b", "a@b/", "a%40b/"]) watch.watching.synced(`https://dav.example/alice/work/${url}`, "1");
  await watch.look(printCollection({ href: "/alice/work/a%40b/" }));
  equal(watch.told.filter(([, token]) => token === undefined), []);
});

Deno.test("client watch: a collection that the server cannot show for a while has not been deleted", async () => {
  const [failed, none] = ["HTTP/1.1 503 Busy", "HTTP/1.1 500 Broken"].map((status) => [
    `<response><href>${INSIDE}</href><status>${status}</status></response>`,
    `<response><href>${INSIDE}</href><propstat><prop><resourcetype/></prop><status>${status}</status></propstat></response>`,
  ]);
  await using home = await openHome(printCollection({ href: INSIDE }));
  for (const answer of [...failed!, ...none!]) await home.look(answer);
  equal(home.told, [[AT, "1"]]);
  await home.look(`<response><href>${INSIDE}</href><status>HTTP/1.1 404 Not Found</status></response>`);
  equal(home.told.at(-1), [AT, undefined]);
});

Deno.test("client watch: of more than a thousand collections, in any order, none is left out or told as deleted", async () => {
  const all = Array.from(
    { length: 1_100 },
    (_, index) => printCollection({ href: `${INSIDE}`.replace("side", `${index}`) }),
  );
  await using home = await openHome(all.join(""));
  equal(home.told.length, 1_100);
  await home.look(all.toReversed().join(""));
  equal(home.told.length, 1_100);
});

Deno.test("client watch: the one collection that is watched is told as deleted, and reported each time", async () => {
  let isThere = true;
  await using watch = await openTimedWatch(() =>
    isThere ? multistatus(printCollection()) : new Response(null, { status: 404 })
  );
  for (let count = 0; count < 2; count++) {
    isThere = false;
    watch.watching.look();
    await watch.pass(5 * MINUTE);
    isThere = true;
    await watch.pass(HOUR, MINUTE);
  }
  equal([watch.heard, watch.faults], [["1", undefined, "1", undefined, "1"], ["gone", "gone"]]);
});

Deno.test("client watch: a calendar that once did not say what it is is not asked for its members for ever", async () => {
  const depths: (string | null)[] = [];
  let isPlain = true;
  const watch = await openTimedWatch(() => multistatus(isPlain ? HOME : printCollection()), HALF, {
    fetch: (_, { headers }) => {
      depths.push(new Headers(headers).get("depth"));
      return Promise.resolve(multistatus(isPlain ? HOME : printCollection()));
    },
  });
  await using _ = watch;
  isPlain = false;
  await watch.pass(10 * MINUTE);
  equal(depths, ["0", "1", "1", "0", "0", "0"]);
});

Deno.test("client watch: a collection that says nothing of where it stands is reported", async () => {
  await using watch = await openTimedWatch(() =>
    multistatus(printCollection().replace(/<sync-token>.*<.sync-token>/, ""))
  );
  equal([watch.heard, watch.faults], [[], ["malformed"]]);
});

Deno.test("client watch: a server that asks to be left alone until a date is", async () => {
  await using watch = await openTimedWatch((_, now) => {
    const headers = { date: new Date(now).toUTCString(), "retry-after": new Date(now + 2 * HOUR).toUTCString() };
    return new Response(null, { status: 503, headers });
  });
  await watch.pass(2 * HOUR - MINUTE, MINUTE);
  equal(watch.times.length, 1);
  await watch.pass(2 * MINUTE, MINUTE);
  equal(watch.times.length, 2);
});
