/** A watch at a real Radicale behind a worker: the library, the DAV door, Web Push and our own push service together. */
import { printEvent } from "../../../scripts/lib/calendar.ts";
import { component } from "../../helpers/component.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { fastClock } from "../../helpers/clock.ts";
import { findRadicale } from "../../helpers/radicale.ts";
import { openWatchRig } from "../../helpers/watch_rig.ts";

const test = await component("Radicale", findRadicale);

test("client watch: a calendar is found, subscribed to, and told of what somebody else writes, once and with its token", async () => {
  await using rig = await openWatchRig();
  await using watch = rig.watch({ path: "/alice/work/", transports: [await rig.ownPushService()] });
  await watch.untilState("push");
  equal([watch.heard.length, watch.heard[0]!.collection], [1, "/alice/work/"]);
  await rig.write("/alice/work/one.ics", printEvent("one", "One"));
  await watch.until(() => watch.heard.length === 2);
  await rig.write("/alice/work/two.ics", printEvent("two", "Two"));
  await watch.until(() => watch.heard.length === 3);
  equal(new Set(watch.heard.map(({ syncToken }) => syncToken)).size, 3);
  equal([watch.states, watch.faults], [["poll", "push"], []]);
  ok(watch.heard.every(({ syncToken }) => syncToken !== undefined));
});
