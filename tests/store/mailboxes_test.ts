import type { Mailbox } from "../../src/model/push_message.ts";
import { readMailbox, removeMailbox, renewMailbox, saveMailbox } from "../../src/store/mailboxes.ts";
import { equal } from "../helpers/assert.ts";
import { faultyKv } from "../helpers/broker.ts";
import { testStores } from "../helpers/stores.ts";

const mailbox: Mailbox = { id: "a", owner: "o", push: "p", set: "s", expiresAt: 1_000 };

testStores("mailboxes: one that ends while it is renewed stays ended", async (openKv) => {
  await using kv = await openKv();
  await saveMailbox(kv, mailbox);
  const slow = faultyKv(kv, async (commit) => (await removeMailbox(kv, mailbox), await commit()));
  equal(await renewMailbox(slow, "a", 2_000), undefined);
  equal(await Array.fromAsync(kv.list({ prefix: [] }), ({ key }) => key), []);
});

testStores("mailboxes: one that two renew at once ends once", async (openKv) => {
  await using kv = await openKv();
  await saveMailbox(kv, mailbox);
  await Promise.all([renewMailbox(kv, "a", 2_000), renewMailbox(kv, "a", 3_000)]);
  const { expiresAt } = (await readMailbox(kv, "a"))!;
  const ends = await Array.fromAsync(kv.list({ prefix: ["mailbox_ends"] }), ({ key }) => key[1]);
  equal(ends, [expiresAt]);
});
