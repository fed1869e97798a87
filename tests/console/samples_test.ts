import { createSamples, MAX_SAMPLES } from "../../src/console/samples.ts";
import { createMetrics } from "../../src/metrics.ts";
import { equal } from "../helpers/assert.ts";
import { manualClock } from "../helpers/clock.ts";
import { eventually } from "../helpers/eventually.ts";

function openSamples() {
  const metrics = createMetrics(), clock = manualClock(), samples = createSamples({ metrics, clock });
  let ticks = 0;

  /** What is read takes a turn or two. */
  async function second(milliseconds = 1000) {
    clock.advance(milliseconds);
    samples.tick();
    const length = Math.min(++ticks, MAX_SAMPLES), before = samples.list().at(-1);
    await eventually(
      "a sample",
      () => Promise.resolve(samples.list().length === length && samples.list().at(-1) !== before),
    );
    return samples.list().at(-1)!;
  }

  return { metrics, samples, second };
}

Deno.test("samples: gauges as they are, counters by what was added a second, also where a tick comes late", async () => {
  const { metrics, second } = openSamples();
  metrics.changes.inc(1000);
  equal(await second(), { streams: 0, changes: 0, delivered: 0, failed: 0, retries: 0 });
  metrics.changes.inc(7);
  metrics.streamsOpen.set(3);
  metrics.retriesDue.set(2);
  metrics.deliveries.inc({ transport: "webhook", outcome: "delivered" }, 5);
  metrics.deliveries.inc({ transport: "apns", outcome: "gone" }, 1);
  metrics.deliveries.inc({ transport: "fcm", outcome: "retry" }, 3);
  equal(await second(), { streams: 3, changes: 7, delivered: 5, failed: 4, retries: 2 });
  metrics.changes.inc(8);
  equal((await second(2000)).changes, 4);
});

Deno.test("samples: no more are kept than five minutes have seconds", async () => {
  const { metrics, samples, second } = openSamples();
  for (let n = 0; n < MAX_SAMPLES + 5; n++) (metrics.streamsOpen.set(n), await second());
  equal([samples.list().length, samples.list()[0]!.streams, samples.list().at(-1)!.streams], [300, 5, 304]);
});
