/** Subscriptions of the whole database, and those that wait to be told something. */
import type { ErrorCode } from "../errors.ts";
import { ERRORS } from "../errors.ts";
import type { Figures } from "./figures.ts";
import { Head } from "./head.tsx";
import type { Survey, Waiting } from "./survey.ts";
import { atLeast, count, fromNow } from "./words.ts";

export function Subscriptions({ survey, now }: Figures) {
  return (
    <section class="panel" aria-labelledby="subscriptions-heading">
      <h2 id="subscriptions-heading">
        Subscriptions <small>all workers</small>
      </h2>
      {typeof survey === "string" ? <Unknown code={survey} /> : <Surveyed survey={survey} now={now} />}
    </section>
  );
}

function Unknown({ code }: { code: ErrorCode }) {
  return <p class="bad">{`The database could not be asked (${code}): look at /-/ready. ${ERRORS[code].advice}`}</p>;
}

function Surveyed({ survey, now }: { survey: Survey; now: number }) {
  const { confirmed, unconfirmed, transports } = survey;
  if (confirmed + unconfirmed === 0) {
    return <p class="empty">Nobody has subscribed yet. A client does by POST /-/subscriptions, see the README.</p>;
  }
  const scope = transports.isWhole ? "" : `, of ${count(transports.lookedAt)} looked at`;
  return (
    <>
      <dl class="facts">
        <Fact name="confirmed" value={count(confirmed)} />
        <Fact name="not confirmed yet" value={count(unconfirmed)} />
        {transports.counts.map(([name, value]) => <Fact name={name + scope} value={count(value)} />)}
      </dl>
      {unconfirmed > 0 && <p class="note">Who is not confirmed has not taken the first message yet, and gets no other.
      </p>}
      <Waitings {...survey.waiting} now={now} />
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Waitings({ soonest, count: all, isWhole, now }: Survey["waiting"] & { now: number }) {
  if (all === 0) return <p class="empty">None of them waits: everybody was told of everything.</p>;
  return (
    <>
      <h3>{`Failing or waiting: ${atLeast(all, isWhole)}`}</h3>
      <ul class="rows">
        {soonest.map(({ transport, service, topic, tries, at }) => (
          <li>
            <Head name={`${transport}: ${service}`} aside={`next ${fromNow(at, now)}`} isBad={tries > 0} />
            <code>{topic}</code>
            <p>{whyOf(tries)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function whyOf(tries: Waiting["tries"]): string {
  if (tries === 0) return "It was not tried yet: its service is paused or busy, or is still being asked.";
  return `${count(tries)} ${tries === 1 ? "try" : "tries"} failed: its service did not answer, or asked to wait.`;
}
