/** Follows topics on a worker's event stream, and resumes by itself: nothing is missed and nothing comes twice. */
import { systemClock } from "../../src/clock.ts";
import { matcherText } from "../../src/model/matcher.ts";
import { encodeHeader } from "../../src/wire/header_text.ts";
import { hubOf } from "./address.ts";
import { describeAnswer, describeFailure } from "./answer.ts";
import { backOff } from "./back_off.ts";
import { Refusal } from "./command.ts";
import { readItems } from "./event_items.ts";

export type HeardEvent = { id: string; type: string; data: string };

export type Heard =
  | { kind: "connected" }
  | { kind: "disconnected"; reason: string; wait: number }
  | { kind: "event"; event: HeardEvent };

export type Target = {
  url: string;
  /** In the short form of `matcherText`. */
  topics: string[];
  /** Called before each connection, so that a token can be renewed. */
  token: () => Promise<string> | string;
  /** Continue after this id; from now on without it. */
  since?: string;
  signal: AbortSignal;
};

/** Answers that trying again does not change. */
const FINAL = [400, 401, 403];

/** The stream is not there, or not yet again. */
class Interrupted extends Error {
  constructor(message: string, readonly retryAfter = 0) {
    super(message);
  }
}

/** Ends when the signal aborts. Throws `Refusal` for an answer that is final. What is not consumed is not read. */
export async function* follow({ since, ...target }: Target): AsyncGenerator<Heard> {
  const place: { id?: string; retry?: number } = { id: since };
  for (let attempt = 0; !target.signal.aborted; attempt++) {
    let reason = "the stream ended", retryAfter = 0;
    try {
      const { body, abort } = await connect(target, place.id);
      yield { kind: "connected" };
      for await (const item of readItems(body, abort)) {
        attempt = -1;
        if (item.kind === "id") place.id = item.id;
        else if (item.kind === "retry") place.retry = item.milliseconds;
        else yield { kind: "event", event: { id: place.id ?? "", type: item.type, data: item.data } };
      }
    } catch (thrown) {
      if (thrown instanceof Refusal) throw thrown;
      [reason, retryAfter] = explain(thrown);
    }
    if (target.signal.aborted) return;
    const wait = Math.max(retryAfter, backOff(Math.max(attempt, 0), place.retry, Math.random));
    yield { kind: "disconnected", reason, wait };
    await systemClock.wait(wait, target.signal);
  }
}

async function connect({ url, topics, token, signal }: Omit<Target, "since">, id: string | undefined) {
  const silence = new AbortController();
  const headers = {
    accept: "text/event-stream",
    authorization: `Bearer ${await token()}`,
    ...(id && { "last-event-id": encodeHeader(id) }),
  };
  const response = await fetch(`${hubOf(url)}?${printQuery(topics)}`, {
    headers,
    redirect: "manual",
    signal: AbortSignal.any([signal, silence.signal]),
  }).catch((thrown) => {
    throw new Interrupted(describeFailure(thrown, url));
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (response.status !== 200 || !isStream || !response.body) await refuse(response, url);
  return { body: response.body!, abort: () => silence.abort(new Interrupted("nothing was heard for 45 s")) };
}

async function refuse(response: Response, url: string): Promise<never> {
  const answer = await describeAnswer(response);
  if (FINAL.includes(response.status)) throw new Refusal(`the worker at ${url} refused the stream: ${answer}`);
  throw new Interrupted(`${url} answered ${answer}`, 1000 * (Number(response.headers.get("retry-after")) || 0));
}

function printQuery(topics: string[]): URLSearchParams {
  const named = topics.map(matcherText).map((
    { match, type },
  ) => [type === "exact" ? "match" : "match_urlpattern", match]);
  return new URLSearchParams(named);
}

function explain(thrown: unknown): [reason: string, retryAfter: number] {
  return thrown instanceof Interrupted ? [thrown.message, thrown.retryAfter] : ["the connection broke", 0];
}
