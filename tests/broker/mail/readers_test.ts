import { createReaders, type ReadersDeps } from "../../../src/broker/mail/readers.ts";
import { type PushMessage } from "../../../src/model/push_message.ts";
import { appendMessages } from "../../../src/store/push_messages.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { memoryKv, memorySink } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";
import { eventually } from "../../helpers/eventually.ts";

const message = (body: string, more: Partial<PushMessage> = {}): PushMessage => ({
  urgency: "normal",
  until: 1e15,
  body,
  ...more,
});

function setUp(kv: Deno.Kv, more: Partial<ReadersDeps> = {}) {
  const clock = manualClock(), unread: string[] = [];
  let taken = 0;
  const readers = createReaders({
    kv,
    clock,
    random: () => 0.5,
    embedded: false,
    seats: { take: () => ++taken > 0, leave: () => void taken-- },
    print: (_, { body }) => `data: ${body}\n\n`,
    unread: ({ versionstamp }) => unread.push(versionstamp),
    ...more,
  });
  const open = (...mailboxes: string[]) => {
    const sink = memorySink(), gone = readers.admit(mailboxes, "very-low", "owner")(sink);
    return Object.assign(sink, { gone, bodies: () => [...sink.text.matchAll(/data: (.*)/g)].map(([, body]) => body) });
  };
  return { ...readers, clock, unread, open, taken: () => taken };
}

// deno-lint-ignore require-yield
async function* away(): AsyncGenerator<never> {
  await Promise.resolve();
  throw new Error("away");
}

const put = (kv: Deno.Kv, mailbox: string, ...messages: PushMessage[]) =>
  messages.reduce(
    (before, message) => before.then(() => appendMessages(kv, [{ mailbox, message }], 0)),
    Promise.resolve(""),
  );

Deno.test("readers: one that was woken several times at once reads each message once", async () => {
  await using kv = await memoryKv();
  const { open, wake } = setUp(kv);
  const sink = open("a", "b");
  for (let n = 0; n < 20; n++) {
    await put(kv, n % 2 ? "a" : "b", message(`${n}`));
    wake(["a", "b", "a"]);
  }
  await eventually("all are read", () => Promise.resolve(sink.bodies().length === 20));
  equal(new Set(sink.bodies()).size, 20);
});

Deno.test("readers: one that takes nothing is given nothing more, and cut after half a minute", async () => {
  await using kv = await memoryKv();
  const { open, wake, tick, clock, taken } = setUp(kv);
  const [slow, quick] = [open("a"), open("a")];
  await eventually("both are at the head", () => Promise.resolve(slow.chunks === 1 && quick.chunks === 1));
  slow.queued = 1e9;
  await put(kv, "a", message("1"));
  wake(["a"]);
  await eventually("the quick one has it", () => Promise.resolve(quick.bodies().length === 1));
  clock.advance(10_000);
  tick();
  equal([slow.bodies(), slow.destroyed, taken()], [[], false, 2]);
  clock.advance(30_000);
  tick();
  equal([slow.destroyed, quick.destroyed, taken()], [true, false, 1]);
});

Deno.test("readers: what could not be read is read when the database is back", async () => {
  await using kv = await memoryKv();
  let broken = true;
  const failing = new Proxy(kv, {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (name === "list" && broken) return () => away();
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await put(kv, "a", message("1"));
  const { open, tick } = setUp(failing);
  const sink = open("a");
  await Promise.resolve();
  broken = false;
  await eventually("it is read", () => (tick(), Promise.resolve(sink.bodies().length === 1)));
});

Deno.test("readers: a record that is none of ours is passed by, and told of by its key", async () => {
  await using kv = await memoryKv();
  await put(kv, "a", message("1"));
  await kv.set(["push_message", "a", "00000000000000ff0000"], "garbage");
  await put(kv, "a", message("2"));
  const { open, unread } = setUp(kv);
  const sink = open("a");
  await eventually("both are read", () => Promise.resolve(sink.bodies().length === 2));
  equal(unread, ["00000000000000ff0000"]);
});

Deno.test("readers: they hear something every fifteen seconds, and end after about an hour", async () => {
  await using kv = await memoryKv();
  const { open, tick, clock } = setUp(kv);
  const sink = open("a");
  clock.advance(15_000);
  tick();
  equal([sink.text, sink.ended], [":\n\n:\n\n", false]);
  clock.advance(60 * 60_000);
  tick();
  ok(sink.ended && /retry: \d+\n\n$/.test(sink.text));
});

Deno.test("readers: one that takes nothing is given nothing more of what the only writer stores, and cut", async () => {
  await using kv = await memoryKv();
  const { open, stored, tick, clock, taken } = setUp(kv, { embedded: true });
  const sink = open("a");
  await eventually("it is at the head", async () => {
    stored(await put(kv, "a", message("0")), [{ mailbox: "a", message: message("0") }]);
    return sink.bodies().length > 0;
  });
  sink.queued = 1e9;
  const told = sink.bodies().length;
  for (let n = 0; n < 5; n++) stored(await put(kv, "a", message("x")), [{ mailbox: "a", message: message("x") }]);
  equal(sink.bodies().length, told);
  clock.advance(30_000);
  tick();
  equal([sink.destroyed, taken()], [true, 0]);
});
