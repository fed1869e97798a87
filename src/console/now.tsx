/** What goes on at this worker: four figures with their last minutes. */
import { Chart } from "./chart.tsx";
import type { Figures } from "./figures.ts";
import type { Sample } from "./samples.ts";
import { count } from "./words.ts";

const mostOf = (samples: readonly Sample[], shown: keyof Sample) =>
  Math.max(0, ...samples.map((sample) => sample[shown]));

export function Now({ samples, paused }: Figures) {
  const failed = mostOf(samples, "failed");
  return (
    <section id="now" aria-labelledby="now-heading">
      <h2 id="now-heading">
        Now <small>this worker, the last five minutes</small>
      </h2>
      <div class="tiles">
        <Tile name="Live streams" samples={samples} shows={["streams"]} />
        <Tile name="Events a second" samples={samples} shows={["changes"]} />
        <Tile name="Deliveries a second" samples={samples} shows={["delivered", "failed"]}>
          {failed > 0 ? <span class="bad">{`at most ${count(failed)} failed`}</span> : "none failed"}
        </Tile>
        <Tile name="Retries due" samples={samples} shows={["retries"]}>
          {paused > 0
            ? <span class="bad">{`${count(paused)} push ${paused === 1 ? "service" : "services"} paused`}</span>
            : "no push service paused"}
        </Tile>
      </div>
    </section>
  );
}

type TileProps = {
  name: string;
  samples: readonly Sample[];
  /** What its lines are; the second one is of what went wrong. */
  shows: [keyof Sample, ...(keyof Sample)[]];
  children?: unknown;
};

function Tile({ name, samples, shows, children }: TileProps) {
  const lines = shows.map((shown, n) => ({
    values: samples.map((sample) => sample[shown]),
    kind: n === 0 ? "main" as const : "bad" as const,
  }));
  return (
    <div class="panel tile">
      <h3>{name}</h3>
      <p class="figure">{count(samples.at(-1)?.[shows[0]] ?? 0)}</p>
      <Chart label={name} lines={lines} />
      <p class="note">{children ?? `at most ${count(mostOf(samples, shows[0]))}`}</p>
    </div>
  );
}
