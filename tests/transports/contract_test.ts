/** What every transport does alike: each test runs over each of them. */
import { CarillonError } from "../../src/errors.ts";
import type { Outcome } from "../../src/model/delivery.ts";
import type { Handed } from "../../src/model/transport.ts";
import { DEADLINE } from "../../src/transports/egress.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { alone, contentOf, deliveryTo } from "../helpers/deliveries.ts";
import { type Kit, KITS } from "../helpers/transport_kits.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" };

type Scene = { kit: Kit; clock: ReturnType<typeof manualClock> };

function forEach(title: string, run: (scene: Scene) => Promise<void>): void {
  for (const [name, open] of Object.entries(KITS)) {
    Deno.test(`${name}: ${title}`, async () => {
      using seen = witness();
      const clock = manualClock(Date.now());
      await using kit = await open(clock);
      await run({ kit, clock });
      seen.testify();
    });
  }
}

async function send({ transport }: Kit, handed: Handed, more: Parameters<typeof deliveryTo>[1] = {}): Promise<Outcome> {
  return await transport.send(deliveryTo(await transport.offer.readTarget(handed), more));
}

forEach("a message is delivered, and so is the first one, which has no change", async ({ kit }) => {
  equal(await send(kit, kit.subscribe()), DELIVERED);
  equal(await send(kit, kit.subscribe(), { message: undefined }), DELIVERED);
  equal(kit.requests(), 2);
});

forEach("a server that fails is tried again, and the next message arrives", async ({ kit }) => {
  equal(await send(kit, kit.subscribe()), DELIVERED);
  kit.answer({ status: 503 });
  const outcome = await send(kit, kit.subscribe());
  equal([outcome.kind, "tried" in outcome && outcome.tried], ["retry", true]);
  equal(await send(kit, kit.subscribe()), DELIVERED);
});

forEach("why it is not taken is said in a word, by which no address can be told", async ({ kit }) => {
  equal(await send(kit, kit.subscribe()), DELIVERED);
  const reasonOf = async () => JSON.parse(JSON.stringify(await send(kit, kit.subscribe()))).reason;
  for (const status of [500, 302]) {
    kit.answer({ status, headers: { location: "https://secret.example/" }, body: "a secret of theirs" });
    equal(await reasonOf(), `${status}`);
  }
  kit.answer(kit.gone);
  ok(/^4\d\d( \w+)?$/.test(await reasonOf()));
});

forEach("who says how long to wait is not tried before", async ({ kit, clock }) => {
  equal(await send(kit, kit.subscribe()), DELIVERED);
  const handed = kit.subscribe();
  kit.answer(kit.tooFast);
  const told = await send(kit, handed);
  ok(told.kind === "retry" && told.at! >= clock.now() + 120_000, JSON.stringify(told));
  const requests = kit.requests(), held = await send(kit, handed);
  ok(held.kind === "retry" && !held.tried, JSON.stringify(held));
  equal(kit.requests(), requests);
  clock.advance(130_000);
  equal(await send(kit, handed), DELIVERED);
});

forEach("a client that is no more is gone", async ({ kit }) => {
  kit.answer(kit.gone);
  equal(alone(await send(kit, kit.subscribe())), { kind: "gone" });
});

forEach("what is never taken is rejected", async ({ kit }) => {
  const { answer, attempt } = kit.rejection;
  kit.answer(answer);
  equal(alone(await send(kit, kit.subscribe(), { attempt })), { kind: "rejected" });
});

forEach("what is too large goes once more, smaller", async ({ kit }) => {
  kit.answer(kit.tooLarge);
  equal(await send(kit, kit.subscribe()), DELIVERED);
  equal(kit.requests(), 2);
});

forEach("a server that never answers is left after ten seconds", async ({ kit, clock }) => {
  equal(await send(kit, kit.subscribe()), DELIVERED);
  kit.answer("never");
  const requests = kit.requests(), sent = send(kit, kit.subscribe());
  while (kit.requests() === requests) await new Promise((resolve) => setTimeout(resolve));
  clock.advance(DEADLINE + 1);
  const outcome = await sent;
  equal([outcome.kind, "tried" in outcome && outcome.tried], ["retry", true]);
});

forEach("a redirect is not followed", async ({ kit }) => {
  const elsewhere = kit.subscribe();
  kit.answer({ status: 307, headers: { location: elsewhere.endpoint } });
  equal([(await send(kit, kit.subscribe())).kind, kit.requests()], ["retry", 1]);
});

forEach("a hostile address is refused, and the error does not say it", async ({ kit }) => {
  for (const handed of kit.hostile) {
    const thrown = await Promise.resolve().then(() => kit.transport.offer.readTarget(handed)).catch((thrown) => thrown);
    ok(thrown instanceof CarillonError && ["bad_address", "bad_request"].includes(thrown.code), `${thrown}`);
    ok(!thrown.message.includes(handed.endpoint));
  }
  equal(kit.requests(), 0);
});

forEach("keys are replaced without a gap", async ({ kit }) => {
  const handed = kit.subscribe();
  equal(await send(kit, handed), DELIVERED);
  const rotated = await kit.rotate(handed);
  equal([await send(kit, rotated), await send(kit, handed)], [DELIVERED, DELIVERED]);
});

forEach("what its offer says is what it takes", async ({ kit }) => {
  const { name, uri, limits, refreshInterval } = kit.transport.offer;
  const target = await kit.transport.offer.readTarget(kit.subscribe());
  equal([target.transport, URL.canParse(uri), refreshInterval], [name, true, 604_800]);
  ok(limits.addressBytes >= target.address.length && limits.messageBytes >= 3_993);
  const large = contentOf(`https://dav.example/${"x".repeat(900)}/`);
  equal(await send(kit, kit.subscribe(), { message: large }), DELIVERED);
});
