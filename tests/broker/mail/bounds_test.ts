import fc from "fast-check";
import { createBounds, MAX_BYTES, MAX_MESSAGES, overflow } from "../../../src/broker/mail/bounds.ts";
import { type PushMessage, URGENCIES } from "../../../src/model/push_message.ts";
import { appendMessages, readMessages } from "../../../src/store/push_messages.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { memoryKv } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";

const letters = fc.array(fc.record({ urgency: fc.constantFrom(...URGENCIES), size: fc.nat({ max: 6_000 }) }), {
  maxLength: 200,
}).map((all) =>
  all.map(({ urgency, size }, n) => ({
    mailbox: "m",
    versionstamp: `${n}`.padStart(20, "0"),
    message: { urgency, until: 1, body: "x".repeat(size) } as PushMessage,
  }))
);

const rank = ({ message }: { message: PushMessage }) => URGENCIES.indexOf(message.urgency);

Deno.test("bounds: what stays is within them, and nothing that goes is more urgent, or as urgent and newer", () => {
  fc.assert(fc.property(letters, (all) => {
    const over = new Set(overflow(all)), kept = all.filter((each) => !over.has(each));
    ok(kept.length <= MAX_MESSAGES);
    ok(kept.reduce((sum, { message }) => sum + message.body!.length, 0) <= MAX_BYTES);
    if (all.length <= MAX_MESSAGES && all.length * 6_000 <= MAX_BYTES) equal(over.size, 0);
    for (const gone of over) {
      for (const stays of kept) {
        ok(rank(stays) > rank(gone) || (rank(stays) === rank(gone) && stays.versionstamp > gone.versionstamp));
      }
    }
  }));
});

Deno.test("bounds: what was replaced goes with all that it left, what has expired waits for whoever tells of it", async () => {
  await using kv = await memoryKv();
  const clock = manualClock(1_000), bounds = createBounds({ kv, clock, dropping: () => Promise.resolve() });
  for (const [body, until, topic] of [["old", 5_000, "a"], ["over", 500], ["new", 5_000, "a"]] as const) {
    await appendMessages(kv, [{ mailbox: "m", message: { urgency: "normal", until, body, topic } }], 0);
  }
  for (let n = 0; n < 20; n++) bounds.stored("m");
  bounds.tick();
  await bounds.settled();
  equal((await readMessages(kv, "m", "", 10)).map(({ message }) => message!.body), ["over", "new"]);
  equal((await Array.fromAsync(kv.list({ prefix: ["push_end"] }))).length, 2);
});

Deno.test("bounds: nothing goes before it is told of, and it is tried again", async () => {
  await using kv = await memoryKv();
  const tries: number[] = [];
  const dropping = (messages: unknown[]) =>
    tries.push(messages.length) === 1 ? Promise.reject(new Error()) : Promise.resolve();
  const bounds = createBounds({ kv, clock: manualClock(1_000), dropping });
  const count = async () => (await readMessages(kv, "m", "", 500)).length;
  for (let n = 0; n < MAX_MESSAGES + 3; n++) {
    await appendMessages(kv, [{ mailbox: "m", message: { urgency: "normal", until: 5_000 } }], 0);
    bounds.stored("m");
  }
  for (const left of [MAX_MESSAGES + 3, MAX_MESSAGES]) {
    bounds.tick();
    await bounds.settled();
    equal(await count(), left);
  }
  equal(tries, [3, 3]);
});
