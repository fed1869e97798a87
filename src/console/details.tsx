/** What stands below: subscriptions and how they fare, deliveries, what went wrong, issuers. */
import type { Delivered, Figures, ShownIssuer } from "./figures.ts";
import { Head } from "./head.tsx";
import { explain } from "./reasons.ts";
import { Subscriptions } from "./subscriptions.tsx";
import type { Failure, Refusal } from "./trouble.ts";
import { count, fromNow } from "./words.ts";

export function Details(figures: Figures) {
  return (
    <div id="details">
      <Subscriptions {...figures} />
      <Deliveries {...figures} />
      <Errors {...figures} />
      <Issuers {...figures} />
    </div>
  );
}

const OUTCOMES = ["delivered", "retry", "gone", "rejected"] as const;

function Deliveries({ deliveries }: Figures) {
  return (
    <section class="panel" aria-labelledby="deliveries-heading">
      <h2 id="deliveries-heading">
        Deliveries <small>this worker, since it started</small>
      </h2>
      {deliveries.length > 0 ? <Outcomes deliveries={deliveries} /> : (
        <p class="empty">
          Nothing was sent yet. Subscribe to a topic (POST /-/subscriptions), then send a test ring.
        </p>
      )}
    </section>
  );
}

function Outcomes({ deliveries }: { deliveries: Delivered[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">by</th>
          {OUTCOMES.map((outcome) => <th scope="col" class="number">{outcome}</th>)}
        </tr>
      </thead>
      <tbody>
        {deliveries.map(({ transport, outcomes }) => (
          <tr>
            <th scope="row">{transport}</th>
            {OUTCOMES.map((outcome) => <td class="number">{count(outcomes[outcome] ?? 0)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Of refused requests, and of failed deliveries: the newest. */
const MAX_SHOWN = 10;

function Errors({ refusals, failures, now }: Figures) {
  const isEmpty = refusals.length + failures.length === 0;
  return (
    <section class="panel" aria-labelledby="errors-heading">
      <h2 id="errors-heading">
        Last errors <small>this worker, since it started</small>
      </h2>
      {isEmpty
        ? <p class="empty">Nothing was refused, and nothing failed. What is shows up here with what to do.</p>
        : (
          <ul class="rows">
            {failures.slice(0, MAX_SHOWN).map((failure) => <FailureRow {...failure} now={now} />)}
            {refusals.slice(0, MAX_SHOWN).map((refusal) => <RefusalRow {...refusal} now={now} />)}
          </ul>
        )}
    </section>
  );
}

function RefusalRow({ code, meaning, detail, path, count: times, at, now }: Refusal & { now: number }) {
  return (
    <li>
      <Head name={code} aside={`${count(times)} ×, ${fromNow(at, now)}`} isBad={meaning.level === "error"} />
      {path !== undefined && <code>{path}</code>}
      <p class="detail">{detail}</p>
      <p>{meaning.advice}</p>
    </li>
  );
}

/** What an operator can do about messages that were not taken. */
const ADVICE: Record<Failure["outcome"], string> = {
  retry: "It is tried again, later each time.",
  gone: "Nothing to do: the subscription was ended, as its service asked.",
  rejected: "This message is lost: it will never be taken.",
};

function FailureRow({ transport, service, outcome, reason, count: times, at, now }: Failure & { now: number }) {
  // Why something has ended its service knows best.
  const why = reason === undefined || outcome === "gone" ? "" : `The last time: ${explain(transport, reason)}. `;
  return (
    <li>
      <Head
        name={`${transport}: ${outcome}`}
        aside={`${count(times)} ×, ${fromNow(at, now)}`}
        isBad={outcome !== "gone"}
      />
      <code>{service}</code>
      <p>{why + ADVICE[outcome]}</p>
    </li>
  );
}

function Issuers({ issuers }: { issuers: ShownIssuer[] }) {
  return (
    <section class="panel" aria-labelledby="issuers-heading">
      <h2 id="issuers-heading">
        Issuers <small>who may sign</small>
      </h2>
      <ul class="rows">
        {issuers.map(({ iss, keys, topics, rate }) => (
          <li>
            <Head name={iss} aside={rate === undefined ? "no limit" : `${count(rate)} a second`} />
            <p>{`By ${keys}, for:`}</p>
            <ul class="topics">
              {topics.map((topic) => (
                <li>
                  <code>{topic}</code>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {issuers.length === 1 &&
        <p class="empty">The local issuer signs for the commands alone. Add your calendar server: CARILLON_ISSUERS.</p>}
    </section>
  );
}
