import { followLog, LOG_LIFE } from "../../../src/broker/mail/follow_log.ts";
import { appendMessages, pruneLog } from "../../../src/store/push_messages.ts";
import { equal } from "../../helpers/assert.ts";
import { memoryKv, overrideKv } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";
import { eventually } from "../../helpers/eventually.ts";

const put = (kv: Deno.Kv, mailbox: string) =>
  appendMessages(kv, [{ mailbox, message: { urgency: "normal", until: 1e15 } }], 0);

function follow(kv: Deno.Kv) {
  const clock = manualClock(), stopping = new AbortController(), woken: string[] = [];
  let all = 0;
  const wake = (mailboxes: string[]) => void woken.push(...mailboxes);
  const run = followLog({ kv, clock, random: () => 0.5, wake, wakeAll: () => void all++ }, stopping.signal);
  const stop = () => (stopping.abort(), run);
  return { clock, woken, all: () => all, stop };
}

Deno.test("log of pushes: readers of what was stored elsewhere are woken, and all of them at first", async () => {
  await using kv = await memoryKv();
  const { woken, all, stop } = follow(kv);
  await eventually("it follows", () => Promise.resolve(all() === 1));
  await put(kv, "a");
  await eventually("it is woken", () => Promise.resolve(woken.includes("a")));
  equal(all(), 1);
  await stop();
});

Deno.test("log of pushes: who could not read it until it was pruned looks at all mailboxes", async () => {
  await using kv = await memoryKv();
  let away = false;
  const broken = overrideKv(kv, {
    list: (...all: Parameters<Deno.Kv["list"]>) => {
      if (away) throw new Error("away");
      return kv.list(...all);
    },
  });
  const { clock, all, woken, stop } = follow(broken);
  await eventually("it follows", () => Promise.resolve(all() === 1));
  away = true;
  await put(kv, "a");
  clock.advance(LOG_LIFE);
  await pruneLog(kv, 1, 10);
  away = false;
  await eventually("all are woken", () => (clock.advance(1_000), Promise.resolve(all() === 2)));
  equal(woken, []);
  await stop();
});
