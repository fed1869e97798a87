/** A whole broker over a database, whose push service and clock a test holds in its hand. */
import { openBroker } from "../../src/broker/broker.ts";
import type { Delivery, Outcome } from "../../src/model/delivery.ts";
import { allSenders, brokerDeps } from "./broker.ts";
import { manualClock } from "./clock.ts";
import { watchKv } from "./watched_kv.ts";

type Options = {
  clock?: ReturnType<typeof manualClock>;
  vapidKey?: string;
  /** What the push service answers; delivered when it says nothing. */
  answer?: (delivery: Delivery) => Outcome | undefined;
};

/** Opens and runs it. */
export async function runBroker(database: Deno.Kv, options: Options = {}) {
  const { clock = manualClock(), vapidKey = "vapid", answer } = options;
  const { kv, idle, kill: killKv } = watchKv(database);
  const sent: Delivery[] = [];
  const senders = allSenders((delivery: Delivery): Promise<Outcome> => {
    sent.push(delivery);
    return Promise.resolve(answer?.(delivery) ?? { kind: "delivered" });
  });
  const deps = { ...brokerDeps(kv, clock), vapidKey, senders };
  const broker = await openBroker(deps);
  const stopping = new AbortController(), running = broker.run(stopping.signal);

  /** Moves the time second by second, and waits each time until the broker has done what it can. */
  async function pass(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed++) {
      await idle();
      clock.advance(1_000);
    }
    await idle();
  }

  /** What the cron asks for; it may wait for the clock. */
  async function minute(): Promise<void> {
    const done = broker.minute();
    await pass(30);
    await done;
  }

  /** As a process leaves. */
  async function leave(): Promise<void> {
    stopping.abort();
    await broker.drain();
    await running;
  }

  /** As a process is killed. */
  async function kill(): Promise<void> {
    killKv();
    stopping.abort();
    await running.catch(() => {});
  }

  return { broker, clock, metrics: deps.metrics, sent, pass, minute, leave, kill };
}
