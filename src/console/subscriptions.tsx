/** Subscriptions of the whole database, and those that wait to be told something. */
import type { ErrorCode } from "../errors.ts";
import type { Figures } from "./figures.ts";
import { Head } from "./head.tsx";
import { explain } from "./reasons.ts";
import type { Survey, Waiting } from "./survey.ts";
import { count, fromNow } from "./words.ts";

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
  return (
    <p class="bad">{`The database could not be asked (${code}): check that it runs; /-/ready says when it answers.`}</p>
  );
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
      {unconfirmed > 0 && <p class="note">Who is not confirmed has not taken the first message, and gets no other.</p>}
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

function Waitings({ soonest, isWhole, now }: Survey["waiting"] & { now: number }) {
  if (soonest.length === 0) return <p class="empty">None of them waits: everybody was told of everything.</p>;
  return (
    <>
      <h3>{isWhole ? "Failing or waiting" : "Failing or waiting, the soonest of many"}</h3>
      <ul class="rows">
        {soonest.map((waiting) => (
          <li>
            <Head
              name={`${waiting.transport}: ${waiting.service}`}
              aside={nextOf(waiting.at, now)}
              isBad={waiting.tries > 0}
            />
            {waiting.topic !== undefined && <code>{waiting.topic}</code>}
            <p>{whyOf(waiting)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

/** To the second. */
const nextOf = (at: number, now: number) => at - now >= 1000 ? `next ${fromNow(at, now)}` : "due now";

function whyOf({ topic, tries, reason, transport }: Waiting): string {
  const what = topic === undefined ? "The first message, or that of a new key," : "A change";
  const failed = `failed ${count(tries)} ${tries === 1 ? "time" : "times"}`;
  if (reason !== undefined) return `${what} ${tries === 0 ? "waits" : failed}: ${explain(transport, reason)}.`;
  if (tries === 0) return `${what} was not tried yet: the service is paused or busy, or is being asked.`;
  return `${what} ${failed}: the service did not take it, or asks to wait.`;
}
