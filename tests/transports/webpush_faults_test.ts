import fc from "fast-check";
import { BODY_TIME, DEADLINE } from "../../src/transports/egress.ts";
import { FAILURES } from "../../src/transports/breaker.ts";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { TOLD } from "../../src/transports/origin_state.ts";
import type { Outcome } from "../../src/model/delivery.ts";
import { contentOf } from "../helpers/deliveries.ts";
import { equal, ok } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { type Behaviour, openPushService, type PushService } from "../helpers/push_service.ts";
import { openWebPush } from "../helpers/web_push.ts";
import { freshVapidKey } from "../helpers/vapid_keys.ts";
import { deliveryTo } from "../helpers/deliveries.ts";
import { printPush } from "../../src/wire/push_message.ts";
import { witness } from "../helpers/witness.ts";

const DELIVERED: Outcome = { kind: "delivered" }, RETRY: Outcome = { kind: "retry", tried: true };

type Push = Awaited<ReturnType<typeof openWebPush>>;

/** A push service, our transport with a clock that stands still, and a witness of all that is said. */
async function withService(
  run: (kit: { service: PushService; push: Push; clock: ReturnType<typeof manualClock> }) => Promise<void>,
  options: { old?: boolean } = {},
): Promise<void> {
  using seen = witness();
  const clock = manualClock(Date.now());
  await using service = await openPushService({ ...options, now: clock.now });
  const subscribe: PushService["subscribe"] = (more) => {
    const subscription = service.subscribe(more);
    for (const secret of [subscription.path, subscription.keys.auth, subscription.keys.p256dh]) seen.keep(secret);
    return subscription;
  };
  await using push = await openWebPush({ clock });
  await run({ service: { ...service, subscribe }, push, clock });
  for (const { headers } of service.requests) seen.keep(headers.authorization!);
  seen.hear(JSON.stringify(push.stats()));
  seen.testify();
}

/** Every answer, and what comes of it; the digest's table. */
const ANSWERS: [behaviour: Behaviour, outcome: Outcome][] = [
  [{ status: 200 }, DELIVERED],
  [{ status: 201, body: "with a body" }, DELIVERED],
  [{ status: 202 }, DELIVERED],
  [{ status: 204 }, DELIVERED],
  [{ status: 404 }, { kind: "gone" }],
  [{ status: 410 }, { kind: "gone" }],
  [{ status: 400 }, { kind: "rejected" }],
  [{ status: 422 }, { kind: "rejected" }],
  [{ status: 408 }, RETRY],
  [{ status: 429 }, RETRY],
  [{ status: 300 }, RETRY],
  [{ status: 500 }, RETRY],
  [{ status: 502, body: "<html>".repeat(10_000) }, RETRY],
  [{ status: 507 }, RETRY],
];

for (const old of [false, true]) {
  const version = old ? "HTTP/1.1" : "HTTP/2";

  Deno.test(`webpush faults: each answer over ${version} has its outcome, and the connection serves the next`, () =>
    withService(async ({ service, push }) => {
      equal(await push.send(service.subscribe()), DELIVERED);
      for (const [behaviour, outcome] of ANSWERS) {
        service.behave(behaviour, { times: 1 });
        equal(await push.send(service.subscribe()), outcome, JSON.stringify(behaviour));
        equal(await push.send(service.subscribe()), DELIVERED);
      }
      if (!old) equal(service.load.connections, 1);
    }, { old }));

  for (const behaviour of ["destroy", "garbage", "reset", "refuse"] as const) {
    Deno.test(`webpush faults: ${behaviour} over ${version} is retried, never the end, and the next message arrives`, () =>
      withService(async ({ service, push, clock }) => {
        const subscription = service.subscribe();
        equal(await push.send(subscription), DELIVERED);
        // What was surely not looked at is sent again by itself: a used connection of HTTP/1.1, a refused stream.
        const times = old && behaviour !== "garbage" ? 2 : behaviour === "refuse" ? 3 : 1;
        service.behave(behaviour, { times });
        equal(await push.send(subscription), RETRY);
        clock.advance(300_000);
        equal(await push.send(subscription), DELIVERED);
        equal(await push.send(subscription), DELIVERED);
      }, { old }));
  }

  Deno.test(`webpush faults: a request that a service over ${version} did not look at is sent again at once`, () =>
    withService(async ({ service, push }) => {
      equal(await push.send(service.subscribe()), DELIVERED);
      service.behave("refuse", { times: old ? 1 : 2 });
      equal(await push.send(service.subscribe()), DELIVERED);
    }, { old }));

  Deno.test(`webpush faults: a service over ${version} that never answers is given up at the deadline, and not asked twice`, () =>
    withService(async ({ service, push, clock }) => {
      const subscription = service.subscribe();
      equal(await push.send(subscription), DELIVERED);
      service.behave("never", { times: 1 });
      const sending = push.send(subscription);
      await service.until(() => service.requests.length === 2);
      clock.advance(DEADLINE);
      equal(await sending, RETRY);
      equal(await push.send(subscription), DELIVERED);
      equal([service.requests.length, service.load.connections >= 2], [3, true]);
    }, { old }));

  Deno.test(`webpush faults: an answer over ${version} without an end is cut, its status counts`, () =>
    withService(async ({ service, push }) => {
      service.behave("endless", { times: 1 });
      equal(await push.send(service.subscribe()), DELIVERED);
      await service.until(() => service.load.inFlight === 0);
      equal(await push.send(service.subscribe()), DELIVERED);
    }, { old }));

  Deno.test(`webpush faults: a body over ${version} that stops holds its place for a second, its status counts`, () =>
    withService(async ({ service, push, clock }) => {
      service.behave("half", { times: 1 });
      const sending = push.send(service.subscribe());
      // The deadline, and from the head on the body's.
      while (clock.waiting < 2) await new Promise((resolve) => setTimeout(resolve));
      clock.advance(BODY_TIME);
      equal([await sending, clock.waiting], [DELIVERED, 0]);
    }, { old }));

  Deno.test(`webpush faults: a service over ${version} that is down is retried, and found again when it is back`, () =>
    withService(async ({ service, push, clock }) => {
      const subscription = service.subscribe();
      await service.stop();
      equal(await push.send(subscription), RETRY);
      await service.start();
      // The breaker is open: nobody is asked.
      equal(await push.send(subscription), { kind: "retry", at: clock.now() + 1_000, tried: false });
      clock.advance(1_000);
      equal(await push.send(subscription), DELIVERED);
      await service.stop();
      equal(await push.send(subscription), RETRY);
    }, { old }));
}

Deno.test("webpush faults: after GOAWAY the message is delivered, and the next goes over another connection", () =>
  withService(async ({ service, push }) => {
    service.behave("goaway", { times: 1 });
    equal(await push.send(service.subscribe()), DELIVERED);
    equal(await push.send(service.subscribe()), DELIVERED);
    equal(service.load.connections, 2);
  }));

Deno.test("webpush faults: a connection that breaks takes those in flight with it, and no more", () =>
  withService(async ({ service, push, clock }) => {
    const subscription = service.subscribe();
    equal(await push.send(subscription), DELIVERED);
    const resume = service.pause();
    const sending = Array.from({ length: 20 }, () => push.send(subscription));
    await service.until(() => service.load.inFlight === 20);
    service.behave("destroy", { times: 1 });
    resume();
    equal(new Set((await Promise.all(sending)).map((outcome) => outcome.kind)), new Set(["retry"]));
    clock.advance(300_000);
    equal(await push.send(subscription), DELIVERED);
  }));

Deno.test("webpush faults: no redirect is followed, wherever it leads", () =>
  withService(async ({ service, push }) => {
    await using target = await openPushService();
    for (const status of [301, 302, 303, 307, 308]) {
      const { address } = target.subscribe();
      service.behave({ status, headers: { location: address } }, { times: 1 });
      equal(await push.send(service.subscribe()), RETRY);
    }
    equal([target.load.connections, service.requests.length], [0, 5]);
  }));

Deno.test("webpush faults: a message that is too large is sent once more at once, as small as can be", () =>
  withService(async ({ service, push }) => {
    const message = contentOf("https://dav.example/alice/work/");
    service.behave({ status: 413 }, { times: 1 });
    equal(await push.send(service.subscribe(), { message }), DELIVERED);
    equal(service.requests.map(({ text }) => text), [printPush(message), printPush(message, { smallest: true })]);
    service.behave({ status: 413 });
    equal(await push.send(service.subscribe(), { message }), { kind: "rejected" });
    equal(await push.send(service.subscribe(), { message: undefined }), { kind: "rejected" });
    equal([service.requests.length, push.stats().faults.shortened], [5, 2]);
  }));

Deno.test("webpush faults: who says Retry-After is left alone for so long, in seconds or until a date", () =>
  withService(async ({ service, push, clock }) => {
    equal(await push.send(service.subscribe()), DELIVERED);
    for (
      const [status, field] of [[429, () => "120"], [503, () => new Date(clock.now() + 120_000).toUTCString()]] as const
    ) {
      const subscription = service.subscribe(), before = service.requests.length;
      service.behave({ status, headers: { "retry-after": field() } }, { times: 1 });
      const outcome = await push.send(subscription);
      ok(
        outcome.kind === "retry" && outcome.tried && outcome.at! - clock.now() > 118_000 &&
          outcome.at! - clock.now() <= 120_000,
      );
      equal(await push.send(subscription), { kind: "retry", at: outcome.at, tried: false });
      equal(await push.send(service.subscribe()), DELIVERED);
      equal(service.requests.length - before, 2);
      clock.advance(120_000);
      equal(await push.send(subscription), DELIVERED);
    }
  }));

Deno.test("webpush faults: an origin that tells several to wait is left alone as a whole", () =>
  withService(async ({ service, push, clock }) => {
    service.behave({ status: 503, headers: { "retry-after": "60" } });
    for (let n = 0; n < TOLD; n++) {
      equal(await push.send(service.subscribe()), { kind: "retry", at: clock.now() + 60_000, tried: true });
    }
    equal(await push.send(service.subscribe()), { kind: "retry", at: clock.now() + 60_000, tried: false });
    equal([service.requests.length, push.stats().open], [TOLD, 1]);
    service.recover();
    clock.advance(60_000);
    equal(await push.send(service.subscribe()), DELIVERED);
  }));

Deno.test("webpush faults: five failures in a row open the breaker of one origin, and one probe closes it", () =>
  withService(async ({ service, push, clock }) => {
    await using other = await openPushService({ now: clock.now });
    equal(await push.send(service.subscribe()), DELIVERED);
    service.behave({ status: 500 });
    for (let n = 0; n < FAILURES; n++) equal(await push.send(service.subscribe()), RETRY);
    equal(await push.send(service.subscribe()), { kind: "retry", at: clock.now() + 1_000, tried: false });
    equal([await push.send(other.subscribe()), push.stats().open, service.requests.length], [
      DELIVERED,
      1,
      1 + FAILURES,
    ]);

    service.recover();
    clock.advance(1_000);
    const resume = service.pause();
    const sending = Array.from({ length: 10 }, () => push.send(service.subscribe()));
    await service.until(() => service.load.inFlight === 1);
    equal(push.stats().waiting, 9);
    resume();
    equal(await Promise.all(sending), Array(10).fill(DELIVERED));
  }));

for (const status of [401, 403]) {
  Deno.test(`webpush faults: ${status} pauses the key at that origin, is said once to the operator, and ends nothing`, async () => {
    using seen = witness();
    const clock = manualClock(Date.now()), keys = [await freshVapidKey(), await freshVapidKey()];
    await using service = await openPushService({ now: clock.now });
    await using push = await openWebPush({ clock, keys });
    service.behave({ status });
    equal(await push.send(service.subscribe()), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
    equal(await push.send(service.subscribe()), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
    equal(service.requests.length, 1);
    equal(seen.records.map(({ level, properties }) => [level, properties.origin]), [[
      "error",
      `https://127.0.0.1:${service.port}`,
    ]]);

    service.recover();
    const { address, keys: agent } = service.subscribe();
    equal(await push.deliver(deliveryTo({ address, keys: agent, vapidKey: keys[1]!.point })), DELIVERED);
    clock.advance(KEY_PAUSE);
    equal(await push.send(service.subscribe()), DELIVERED);
    equal([service.requests.length, seen.records.length], [3, 1]);
  });
}

Deno.test("webpush faults: new subscriptions that are refused stop nobody else, and do not fill the log", async () => {
  using seen = witness();
  const clock = manualClock(Date.now());
  await using service = await openPushService({ now: clock.now });
  await using push = await openWebPush({ clock });
  const sendNew = ({ address, keys } = service.subscribe()) =>
    push.deliver(deliveryTo({ address, keys, vapidKey: push.key.point, confirmed: false }));
  service.behave({ status: 403 }, { times: 20 });
  for (let n = 0; n < 20; n++) {
    equal(await sendNew(), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true, reason: "403" });
  }
  equal([await push.send(service.subscribe()), await sendNew()], [DELIVERED, DELIVERED]);
  equal(seen.records.map(({ level }) => level), ["warning"]);
  clock.advance(KEY_PAUSE);
  service.behave({ status: 401 }, { times: 1 });
  await sendNew();
  equal(seen.records.map(({ level }) => level), ["warning", "warning"]);
});

Deno.test("webpush faults: a subscription that was made for another key stops nobody else", () =>
  withService(async ({ service, push, clock }) => {
    equal(await push.send(service.subscribe()), DELIVERED);
    const strange = service.subscribe({ vapidKey: (await freshVapidKey()).point });
    equal(await push.send(strange), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: true });
    equal(service.refusals.map(({ status }) => status), [403]);
    equal(await push.send(strange), { kind: "retry", at: clock.now() + KEY_PAUSE, tried: false });
    equal(await push.send(service.subscribe()), DELIVERED);
  }));

Deno.test("webpush faults: a name that leads to a blocked address is tried another time, is counted, and is not dialled", async () => {
  using seen = witness();
  await using service = await openPushService();
  await using push = await openWebPush({ trusted: ["10.0.0.0/8"], resolve: () => Promise.resolve(["127.0.0.1"]) });
  const { keys, path } = service.subscribe();
  const address = `https://push.example.net${seen.keep(path)}`;
  for (let n = 0; n < 3; n++) equal(await push.send({ address, keys, path }), RETRY);
  equal([service.load.connections, push.stats().faults.blocked, push.stats().open], [0, 3, 0]);
  seen.testify();
});

const CHAOS: Behaviour[] = [
  ...(["never", "endless", "half", "reset", "refuse", "goaway", "destroy", "garbage"] as const),
  ...[201, 201, 201, 204, 307, 400, 413, 429, 500, 503].map((status) => ({ status })),
  { status: 502, body: "x".repeat(100_000) },
  { status: 429, headers: { "retry-after": "1" } },
];

for (const old of [false, true]) {
  Deno.test(`webpush faults: whatever happens over ${old ? "HTTP/1.1" : "HTTP/2"} each message has an outcome, and after it all is well`, async () => {
    const chaos = fc.array(fc.constantFrom(...CHAOS), { minLength: 200, maxLength: 200 });
    await fc.assert(fc.asyncProperty(chaos, (chaos) => survive(chaos, old)), { numRuns: 2, endOnFailure: true });
  });
}

async function survive(chaos: Behaviour[], old: boolean): Promise<void> {
  await withService(async ({ service, push, clock }) => {
    const outcomes: Outcome[] = [];
    const subscriptions = Array.from({ length: 10 }, () => service.subscribe());
    for (const behaviour of chaos) service.behave(behaviour, { times: 1 });
    for (let n = 0; n < 400; n++) void push.send(subscriptions[n % 10]!).then((outcome) => outcomes.push(outcome));
    while (outcomes.length < 400) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve));
    }
    equal([push.stats().inFlight, push.stats().waiting, clock.waiting], [0, 0, 0]);
    ok(outcomes.every(({ kind }) => ["delivered", "retry", "rejected"].includes(kind)));

    service.recover();
    clock.advance(3_600_000);
    equal(await push.send(service.subscribe()), DELIVERED);
  }, { old });
}

Deno.test("webpush faults: the wall clock may jump while messages are sent", () =>
  withService(async ({ service, push, clock }) => {
    for (const jump of [-86_400_000 * 3, 86_400_000 * 6, -3_600_000]) {
      clock.jump(jump);
      equal(await push.send(service.subscribe()), DELIVERED);
    }
  }));
