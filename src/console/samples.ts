/** The last minutes of this worker, one sample a second, for the console's charts. */
import type { Clock } from "../clock.ts";
import type { Metrics } from "../metrics.ts";

/** Samples that are kept: five minutes of them. */
export const MAX_SAMPLES = 300;

/** What is there at a moment; changes and deliveries are those of the second before. */
export type Sample = { streams: number; changes: number; delivered: number; failed: number; retries: number };

/** What counters say, since the worker started. */
type Totals = Pick<Sample, "changes" | "delivered" | "failed">;

export type Samples = ReturnType<typeof createSamples>;

export function createSamples({ metrics, clock }: { metrics: Metrics; clock: Clock }) {
  const samples: Sample[] = [];
  let last: { totals: Totals; at: number } | undefined;

  async function sample(): Promise<void> {
    const at = clock.elapsed(), totals = await readTotals(metrics);
    const seconds = last ? (at - last.at) / 1000 : 0;
    const rate = (name: keyof Totals) => last && seconds > 0 ? (totals[name] - last.totals[name]) / seconds : 0;
    const [streams, retries] = [await valueOf(metrics.streamsOpen), await valueOf(metrics.retriesDue)];
    samples.push({ streams, retries, changes: rate("changes"), delivered: rate("delivered"), failed: rate("failed") });
    if (samples.length > MAX_SAMPLES) samples.shift();
    last = { totals, at };
  }

  return {
    /** To be called once a second. */
    tick: () => void sample(),
    /** Oldest first. */
    list: (): readonly Sample[] => samples,
  };
}

async function readTotals(metrics: Metrics): Promise<Totals> {
  const { values } = await metrics.deliveries.get();
  const isDelivered = ({ labels }: typeof values[number]) => labels.outcome === "delivered";
  const sum = (some: typeof values) => some.reduce((sum, { value }) => sum + value, 0);
  const delivered = sum(values.filter(isDelivered));
  return { changes: await valueOf(metrics.changes), delivered, failed: sum(values) - delivered };
}

/** Of a metric without labels. */
export async function valueOf(metric: { get: () => Promise<{ values: { value: number }[] }> }): Promise<number> {
  return (await metric.get()).values[0]?.value ?? 0;
}
