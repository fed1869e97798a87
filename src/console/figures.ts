/** All that the console shows, at one moment. */
import type { Clock } from "../clock.ts";
import type { IssuerConfig } from "../config/issuers.ts";
import { asCarillonError, type ErrorCode } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { createSamples, type Sample, valueOf } from "./samples.ts";
import { createSurvey, type Survey } from "./survey.ts";
import type { Failure, Refusal, Trouble } from "./trouble.ts";

/** An issuer without its keys: `keys` says where they come from. */
export type ShownIssuer = { iss: string; keys: string; topics: string[]; rate: number | undefined };

/** Messages of one transport since the start, by what came of them. */
export type Delivered = { transport: string; outcomes: Record<string, number> };

export type Figures = {
  /** Milliseconds since 1970. */
  now: number;
  samples: readonly Sample[];
  deliveries: Delivered[];
  /** Push services that rest, since they failed or asked for it. */
  paused: number;
  /** Or why the database could not be asked. */
  survey: Survey | ErrorCode;
  refusals: Refusal[];
  failures: Failure[];
  issuers: ShownIssuer[];
};

type Deps = { kv: Deno.Kv; clock: Clock; metrics: Metrics; trouble: Trouble; issuers: IssuerConfig[] };

export type FiguresReader = ReturnType<typeof createFigures>;

export function createFigures({ kv, clock, metrics, trouble, issuers }: Deps) {
  const samples = createSamples({ metrics, clock }), readSurvey = createSurvey({ kv, clock });
  const shown = issuers.map(showIssuer);

  async function read(): Promise<Figures> {
    const survey = await readSurvey().catch((thrown) => asCarillonError(thrown).code);
    return {
      now: clock.now(),
      samples: samples.list(),
      deliveries: await readDeliveries(metrics),
      paused: await valueOf(metrics.pushServicesPaused),
      survey,
      refusals: trouble.refusals(),
      failures: trouble.failures(),
      issuers: shown,
    };
  }

  return { tick: samples.tick, read };
}

async function readDeliveries(metrics: Metrics): Promise<Delivered[]> {
  const byTransport = new Map<string, Record<string, number>>();
  for (const { labels, value } of (await metrics.deliveries.get()).values) {
    const outcomes = byTransport.get(`${labels.transport}`) ?? {};
    byTransport.set(`${labels.transport}`, { ...outcomes, [`${labels.outcome}`]: value });
  }
  return [...byTransport].map(([transport, outcomes]) => ({ transport, outcomes }));
}

function showIssuer({ iss, keys, topics, rate }: IssuerConfig): ShownIssuer {
  const from = "secret" in keys ? "a shared secret" : "jwks_uri" in keys ? "a key set at its address" : "a key set";
  return { iss, keys: from, topics: topics.map(({ match }) => match), rate };
}
