import { endSession, isEnded } from "../../src/store/ended_sessions.ts";
import { equal, ok } from "../helpers/assert.ts";
import { testStores } from "../helpers/stores.ts";

const SESSION = "1795392000000.the-code-of-a-session", OTHER = "1795392000001.the-code-of-a-session";

testStores(
  "ended sessions: one that was ended is, no other one, and none of them can be read there",
  async (openKv) => {
    await using kv = await openKv();
    equal(await isEnded(kv, SESSION), false);
    await endSession(kv, SESSION, 60_000);
    equal([await isEnded(kv, SESSION), await isEnded(kv, OTHER)], [true, false]);
    for await (const { key, value } of kv.list({ prefix: [] })) ok(!JSON.stringify([key, value]).includes("the-code"));
  },
);
