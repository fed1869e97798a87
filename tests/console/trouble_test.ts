import { createTrouble } from "../../src/console/trouble.ts";
import { CarillonError } from "../../src/errors.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { allSenders } from "../helpers/broker.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";

Deno.test("trouble: refusals are counted by code, the newest first, with the detail and the path of the last one", () => {
  const clock = manualClock(), trouble = createTrouble(clock);
  trouble.refused(new CarillonError("not_found", "a"), "/a");
  trouble.refused(new CarillonError("invalid_token", "x".repeat(1000)), undefined);
  clock.advance(1000);
  trouble.refused(new CarillonError("not_found", "b"), "/b");
  const seen = trouble.refusals().map((each) => [each.code, each.detail, each.path, each.count, each.meaning.status]);
  equal(seen, [["not_found", "b", "/b", 2, 404], ["invalid_token", "x".repeat(300), undefined, 1, 401]]);
});

/** Sends one message to each address, and answers what is remembered of them. */
async function failing(addresses: string[], outcome: Outcome) {
  const trouble = createTrouble(manualClock());
  const { webhook } = trouble.watch(allSenders(() => Promise.resolve(outcome)));
  for (const address of addresses) {
    const delivery = { subscriber: { transport: "webhook", address } } as unknown as Delivery;
    equal(await webhook(delivery), outcome);
  }
  return trouble.failures();
}

Deno.test("trouble: what was not taken is remembered by its service alone, what was taken or not tried is not", async () => {
  const address = "https://service.example/secret/path";
  for (const kind of ["gone", "rejected"] as const) {
    const [failure, ...more] = await failing([address, address], { kind, reason: "410" });
    const { service, outcome, reason, count } = failure!;
    equal([service, outcome, reason, count, more], ["https://service.example", kind, "410", 2, []]);
  }
  equal((await failing([address], { kind: "retry", tried: true })).map(({ outcome }) => outcome), ["retry"]);
  equal(await failing([address], { kind: "retry", tried: false }), []);
  equal(await failing([address], { kind: "delivered" }), []);
});

Deno.test("trouble: however many services fail, few are remembered, and the last one is among them", async () => {
  const addresses = Array.from({ length: 200 }, (_, n) => `https://s${n}.example/`);
  const failures = await failing(addresses, { kind: "gone" });
  ok(failures.length <= 30 && failures.some(({ service }) => service === "https://s199.example"), `${failures.length}`);
});
