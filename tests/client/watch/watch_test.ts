/** A watch at a real Radicale behind a worker: the library, the DAV door, Web Push and our own push service together. */
import { printEvent } from "../../../scripts/lib/calendar.ts";
import { component } from "../../helpers/component.ts";
import { equal } from "../../helpers/assert.ts";
import { fastClock } from "../../helpers/clock.ts";
import { eventually } from "../../helpers/eventually.ts";
import { findRadicale } from "../../helpers/radicale.ts";
import { printCard } from "../../helpers/radicale_client.ts";
import { systemPace } from "../../../src/client/pace.ts";
import { eventStream, type Transport } from "../../../src/client/mod.ts";
import { accessToken } from "../../helpers/worker.ts";
import { openWatchRig, startWatch, type WatchRig } from "../../helpers/watch_rig.ts";

const test = await component("Radicale", findRadicale);

test("client watch: a calendar is found, subscribed to, and told of what somebody else writes, once and with its token", async () => {
  await using rig = await openWatchRig();
  await using watch = rig.watch({ path: "/alice/work/", transports: [await rig.ownPushService()] });
  await watch.untilState("push");
  equal([watch.heard.length, watch.heard[0]!.collection], [1, "/alice/work/"]);
  await rig.write("/alice/work/one.ics", printEvent("one", "One"));
  await watch.until(() => watch.heard.length === 2);
  equal(watch.heard[1]!.syncToken, await rig.tokenOf("/alice/work/"));
  equal([watch.states, watch.faults], [["poll", "push"], []]);
});

test("client watch: of a home each collection is told of by itself, and one that is made or deleted", async () => {
  await using rig = await openWatchRig();
  await using watch = rig.watch({ path: "/alice/", transports: [await rig.ownPushService()] });
  await watch.untilState("push");
  equal(watch.heard.map(({ collection }) => collection).sort(), ["/alice/people/", "/alice/work/"]);
  await rig.write("/alice/people/one.vcf", printCard("one", "One"), { "content-type": "text/vcard" });
  await watch.until(() => watch.heard.length === 3);
  await rig.send("MKCALENDAR", "/alice/more/");
  await watch.until(() => watch.heard.length === 4);
  await rig.send("DELETE", "/alice/more/");
  await watch.until(() => watch.heard.length === 5);
  equal(watch.heard.slice(2).map(({ collection }) => collection), ["/alice/people/", "/alice/more/", "/alice/more/"]);
  equal([watch.heard[4]!.syncToken, watch.faults], [undefined, []]);
});

test("client watch: of a home what was chosen is told of, and nothing else is registered", async () => {
  await using rig = await openWatchRig();
  const chosen = (collection: string) => collection.endsWith("/alice/work/");
  await using watch = rig.watch({ path: "/alice/", chosen, transports: [await rig.ownPushService()] });
  await watch.untilState("push");
  equal((await Array.fromAsync(rig.worker.kv.list({ prefix: ["by_owner"] }))).length, 1);
  await rig.write("/alice/people/one.vcf", printCard("one", "One"), { "content-type": "text/vcard" });
  await rig.send("MKCALENDAR", "/alice/more/");
  await rig.write("/alice/work/one.ics", printEvent("one", "One"));
  await watch.until(() => watch.heard.length === 2);
  await rig.send("DELETE", "/alice/work/");
  await watch.until(() => watch.heard.length === 3);
  equal(watch.heard.map(({ collection }) => collection), Array(3).fill("/alice/work/"));
  equal([watch.heard[2]!.syncToken, watch.faults], [undefined, []]);
});

test("client watch: who writes with its headers is not told of it, and is told of what others write", async () => {
  await using rig = await openWatchRig();
  const texts: string[] = [], service = await rig.ownPushService();
  await using watch = rig.watch({ path: "/alice/work/", transports: [overheard(service, texts)] });
  await checkOwnWrites(rig, watch, texts);
});

/** Once told by push, of what two write the other's alone is told; `texts` are the messages that came. */
async function checkOwnWrites(rig: WatchRig, watch: ReturnType<typeof startWatch>, texts: string[]): Promise<void> {
  await watch.untilState("push");
  await rig.write("/alice/work/mine.ics", printEvent("mine", "Mine"), watch.watching.writeHeaders());
  const mine = await rig.tokenOf("/alice/work/");
  await rig.write("/alice/work/other.ics", printEvent("other", "Other"));
  const other = await rig.tokenOf("/alice/work/");
  await eventually("the change of the other", () => Promise.resolve(texts.some((text) => text.includes(other))));
  await watch.until(() => watch.heard.at(-1)!.syncToken === other);
  equal(texts.filter((text) => text.includes(mine)), []);
}

test("client watch: by CC/CD 70025 at a real gateway it is told the same, not of its own writes, and leaves nothing", async () => {
  await using rig = await openWatchRig();
  const posted: string[] = [], texts: string[] = [];
  // A server of CC/CD 70025 alone: what WebDAV-Push says is not asked for.
  const fetch = (url: string, init: RequestInit) => {
    if (init.method === "POST") posted.push(url);
    const body = typeof init.body === "string" ? init.body.replace("<P:transports/><P:topic/>", "") : init.body;
    return rig.fetch(url, { ...init, ...(body !== undefined && { body }) });
  };
  {
    const transports = [overheard(await rig.ownPushService(), texts)];
    await using watch = rig.watch({ path: "/alice/work/", transports, fetch });
    await checkOwnWrites(rig, watch, texts);
    equal(watch.faults, []);
  }
  equal(posted, [`${rig.front.url}/-/registrations`]);
  equal(await Array.fromAsync(rig.worker.kv.list({ prefix: ["by_owner"] })), []);
});

test("client watch: while the gateway is away it polls, and when that is back it is told again", async () => {
  await using rig = await openWatchRig();
  const transports = [inRealTime(await rig.ownPushService())], clock = fastClock(10);
  await using watch = rig.watch({ path: "/alice/work/", transports, clock, fetch: rig.fetchOrSkip });
  await watch.untilState("push");
  await rig.stop();
  await watch.untilState("poll");
  await rig.radicale.as("alice").putEvent("/alice/work/", "behind");
  const behind = await rig.tokenOf("/alice/work/");
  await watch.until(() => watch.heard.at(-1)!.syncToken === behind);
  await rig.start();
  await watch.untilState("push");
  await rig.write("/alice/work/again.ics", printEvent("again", "Again"));
  const again = await rig.tokenOf("/alice/work/");
  await watch.until(() => watch.heard.at(-1)!.syncToken === again);
  equal(watch.heard.length, new Set(watch.heard.map(({ syncToken }) => syncToken)).size);
  equal(watch.states, ["poll", "push", "poll", "push"]);
});

test("client watch: where nothing answers it is offline, and comes back with what it missed", async () => {
  await using rig = await openWatchRig();
  const transports = [inRealTime(await rig.ownPushService())];
  await using watch = rig.watch({ path: "/alice/work/", transports, clock: fastClock(10) });
  await watch.untilState("push");
  await rig.stop();
  await watch.untilState("offline");
  await rig.radicale.as("alice").putEvent("/alice/work/", "behind");
  await rig.start();
  await watch.untilState("push");
  const behind = await rig.tokenOf("/alice/work/");
  await watch.until(() => watch.heard.at(-1)!.syncToken === behind);
  equal(watch.heard.length, 2);
});

test("client watch: a stream of the hub tells as well, of the collection's own address", async () => {
  await using rig = await openWatchRig();
  const hub = `${rig.front.url}/.well-known/mercure`, grant = { subscribe: [`${rig.front.url}/alice/work/`] };
  const transports = [eventStream({ hub, token: await accessToken(rig.worker, grant), fetch: rig.fetch })];
  await using watch = rig.watch({ path: "/alice/work/", transports });
  await watch.untilState("push");
  await rig.write("/alice/work/one.ics", printEvent("one", "One"));
  const token = await rig.tokenOf("/alice/work/");
  await watch.until(() => watch.heard.at(-1)!.syncToken === token);
  equal([watch.heard.length, watch.faults], [2, []]);
});

test("client watch: a hub that refuses the token is reported, and polling goes on", async () => {
  await using rig = await openWatchRig();
  const hub = `${rig.front.url}/.well-known/mercure`,
    transports = [eventStream({ hub, token: "bad", fetch: rig.fetch })];
  await using watch = rig.watch({ path: "/alice/work/", transports });
  await watch.until(() => watch.faults.length > 0);
  equal([watch.watching.state, watch.faults], ["poll", ["refused: the push service refused it: 401"]]);
});

test("client watch: a server without push is polled, and says nothing of it", async () => {
  await using rig = await openWatchRig();
  const { url } = rig.radicale, base = { url, fetch, headers: rig.headers };
  await using watch = startWatch(base, { path: "/alice/work/", transports: [], clock: fastClock(30) });
  await watch.untilState("poll");
  await rig.radicale.as("alice").putEvent("/alice/work/", "one");
  await watch.until(() => watch.heard.length === 2);
  equal([watch.states, watch.faults], [["poll"], []]);
});

test("client watch: at its end nothing is registered any more", async () => {
  await using rig = await openWatchRig();
  const stored = async () => (await Array.fromAsync(rig.worker.kv.list({ prefix: ["by_owner"] }))).length;
  const watch = rig.watch({ path: "/alice/", transports: [await rig.ownPushService()] });
  await watch.untilState("push");
  equal(await stored() > 0, true);
  const named = (address?: string) => watch.watching.writeHeaders(address)["Push-Dont-Notify"]?.split(", ").length;
  const work = `${rig.front.url}/alice/work`;
  equal([named(), named(`${work}/`), named(`${work}/one.ics`), named(work), named(`${work}s/`)], [3, 2, 2, 2, 1]);
  await watch.watching.end();
  equal(await stored(), 0);
});

/** Keeps what comes. */
function overheard(transport: Transport, texts: string[]): Transport {
  return async (offer, pace) => {
    const channel = (await transport(offer, pace))!;
    return {
      ...channel,
      hear: (hearing) => {
        const onMessage = (text: string) => (texts.push(text), hearing.onMessage(text));
        return channel.hear({ ...hearing, onMessage });
      },
    };
  };
}

/** The watch's clock is faster than a worker's keep-alives. */
function inRealTime(transport: Transport): Transport {
  return (offer) => transport(offer, systemPace);
}
