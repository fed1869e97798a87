import fc from "fast-check";
import { MAX_BYTES, MAX_MESSAGES, overflow } from "../../../src/broker/mail/bounds.ts";
import { type PushMessage, URGENCIES } from "../../../src/model/push_message.ts";
import { equal, ok } from "../../helpers/assert.ts";

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
