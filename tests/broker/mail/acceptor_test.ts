import { createAcceptor, type Letter } from "../../../src/broker/mail/acceptor.ts";
import { readMessages } from "../../../src/store/push_messages.ts";
import { equal, refuses } from "../../helpers/assert.ts";
import { faultyKv, memoryKv } from "../../helpers/broker.ts";
import { manualClock } from "../../helpers/clock.ts";
import { testStores } from "../../helpers/stores.ts";

const letter = (mailbox: string, body: string): Letter => ({
  mailbox,
  message: { urgency: "normal", until: 1e15, body },
});

async function bodiesOf(kv: Deno.Kv, mailbox: string): Promise<(string | undefined)[]> {
  return (await readMessages(kv, mailbox, "", 1_000)).map(({ message }) => message!.body);
}

testStores(
  "acceptor: what comes while a commit runs shares the next, one of each mailbox, in order",
  async (openKv) => {
    await using kv = await openKv();
    let commits = 0;
    const seen: string[] = [];
    const { accept, drain } = createAcceptor({
      kv: faultyKv(kv, (commit) => (commits++, commit())),
      clock: manualClock(),
      stored: (_, letters) => seen.push(...letters.map(({ message }) => message.body!)),
    });
    const all = Array.from({ length: 30 }, (_, n) => letter(`m${n % 10}`, `${n}`));
    const stamps = await Promise.all(all.map(accept));
    await drain();
    equal([new Set(stamps).size <= 4, commits <= 4, seen.length], [true, true, 30]);
    equal(await bodiesOf(kv, "m3"), ["3", "13", "23"]);
  },
);

testStores("acceptor: a commit that fails is told to all who waited for it, and the next is tried", async (openKv) => {
  await using kv = await openKv();
  let fails = true;
  const { accept } = createAcceptor({
    kv: faultyKv(kv, (commit) => fails ? Promise.reject(new Error("no")) : commit()),
    clock: manualClock(),
    stored: () => {},
  });
  const [first, second] = [accept(letter("a", "1")), accept(letter("b", "2"))];
  await refuses("kv_failed", () => first);
  await refuses("kv_failed", () => second);
  fails = false;
  await accept(letter("a", "3"));
  equal([await bodiesOf(kv, "a"), await bodiesOf(kv, "b")], [["3"], []]);
});

Deno.test("acceptor: who floods one mailbox takes nobody else's room", async () => {
  await using kv = await memoryKv();
  const { accept, drain } = createAcceptor({ kv, clock: manualClock(), stored: () => {} });
  const accepted = Array.from({ length: 101 }, (_, n) => accept(letter("a", `${n}`)));
  await refuses("too_many_pushes", () => accept(letter("a", "more")));
  await accept(letter("b", "1"));
  await Promise.all(accepted);
  await accept(letter("a", "again"));
  await drain();
  equal((await bodiesOf(kv, "a")).length, 102);
});

Deno.test("acceptor: behind a database that does not answer nobody waits for one deadline after the other", async () => {
  await using kv = await memoryKv();
  let hangs = true;
  const { accept } = createAcceptor({
    kv: faultyKv(kv, (commit) => hangs ? new Promise(() => {}) : commit()),
    clock: manualClock(),
    stored: () => {},
  });
  const [first, second, third] = ["1", "2", "3"].map((body) => accept(letter("a", body)));
  const refused = [["kv_timeout", first], ["overloaded", second], ["overloaded", third]] as const;
  await Promise.all(refused.map(([code, sent]) => refuses(code, () => sent!)));
  hangs = false;
  await accept(letter("a", "4"));
  equal(await bodiesOf(kv, "a"), ["4"]);
});

Deno.test("acceptor: of many at once one that is refused leaves no other unheard", async () => {
  await using kv = await memoryKv();
  const broken = faultyKv(kv, () => Promise.reject(new Error("no")));
  const { accept } = createAcceptor({ kv: broken, clock: manualClock(), stored: () => {} });
  const all = Promise.all(Array.from({ length: 102 }, (_, n) => letter("a", `${n}`)).map(accept));
  await refuses("too_many_pushes", () => all);
  await new Promise((resolve) => setTimeout(resolve, 10));
});
