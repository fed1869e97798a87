/** `POST /.well-known/mercure`: an update of a Mercure publisher, the protocol's "Publication". */
import type { Handler } from "hono";
import type { Charge } from "../access/rates.ts";
import type { Broker } from "../broker/broker.ts";
import { CarillonError } from "../errors.ts";
import { type Change, DEFAULT_PRIORITY } from "../model/change.ts";
import { isGranted } from "../model/grant.ts";
import { checkTopic, hasHiddenCharacters, MAX_TOPIC_LENGTH } from "../model/topic.ts";
import { parseUrlencoded } from "../wire/urlencoded.ts";
import { type BearerDeps, insufficientScope, requireBearer } from "./bearer.ts";
import { checkType, readText } from "./body.ts";
import { hubLink } from "./discovery.ts";

/** An event of 48 KiB is at most three times as long when it is percent-encoded. */
export const MAX_FORM_BYTES = 160 * 1024;

export const MAX_UPDATE_TOPICS = 20;

/** Characters of a field; an id comes back in a header. */
export const MAX_LENGTHS = { topic: MAX_TOPIC_LENGTH, id: 1024, type: 1024, retry: 9 };

/** Of ours, or of the protocol's own updates. */
const RESERVED_TYPES = ["mercure", "lost"];

type Deps = BearerDeps & Pick<Broker, "publish" | "isOwnId"> & {
  hubUrl: string;
  charge: Charge;
  now: () => number;
};

/** 200 and the event's id, after the commit. */
export function updateDoor(deps: Deps): Handler {
  const headers = { "content-type": "text/plain; charset=utf-8", link: hubLink(deps.hubUrl) };
  return async (c) => {
    const bearer = await requireBearer(c, deps);
    checkType(c, "application/x-www-form-urlencoded");
    const change = readUpdate(parseUrlencoded(await readText(c, MAX_FORM_BYTES)), deps);
    const refused = change.topics.find((topic) => !isGranted(bearer, "publish", topic));
    if (refused) throw insufficientScope(`the token holds no grant to publish to the topic: ${refused.slice(0, 100)}`);
    deps.charge(bearer.iss, 1);
    const [id] = await deps.publish({ changes: [change] });
    return c.body(id!, 200, headers);
  };
}

function readUpdate(form: [string, string][], { hubUrl, isOwnId, now }: Deps): Change {
  checkLimits(form);
  const one = (name: string) => form.find(([key]) => key === name)?.[1];
  const topics = form.filter(([name]) => name === "topic").map(([, topic]) => checkTopic(topic, hubUrl));
  if (topics.length === 0) throw new CarillonError("bad_topic", "the update was refused: it names no topic");
  const [id, type, retry, data] = [one("id"), one("type"), one("retry"), one("data")];
  return {
    topics,
    private: one("private") !== undefined,
    priority: DEFAULT_PRIORITY,
    timestamp: now(),
    ...(id && { id: checkId(id, isOwnId) }),
    ...(type && { type: checkEventType(type) }),
    ...(retry && { retry: checkRetry(retry) }),
    data: data ?? "",
  };
}

// Mercure, "Publication": what is beyond a limit is 413, also where it is wrong in other ways.
function checkLimits(form: [string, string][]): void {
  const topics = form.filter(([name]) => name === "topic").length;
  if (topics > MAX_UPDATE_TOPICS) {
    throw new CarillonError("too_large", `the update names too many topics: ${topics}, at most ${MAX_UPDATE_TOPICS}`);
  }
  for (const [name, max] of Object.entries(MAX_LENGTHS)) {
    const long = form.find(([key, value]) => key === name && value.length > max)?.[1];
    if (long === undefined) continue;
    throw new CarillonError("too_large", `the ${name} is too long: ${long.length} characters, at most ${max}`);
  }
}

function checkId(id: string, isOwnId: (id: string) => boolean): string {
  const fault = hasHiddenCharacters(id)
    ? "it holds control characters"
    : id !== id.trim()
    ? "HTTP would cut the blanks at its ends"
    : id.startsWith("#") || id === "earliest"
    ? "it is reserved"
    : isOwnId(id)
    ? "it has the form of the hub's own ids"
    : undefined;
  if (fault) throw new CarillonError("bad_request", `the id was refused: ${fault}`);
  return id;
}

function checkEventType(type: string): string {
  if (hasHiddenCharacters(type)) {
    throw new CarillonError("bad_request", "the type was refused: it holds control characters");
  }
  if (RESERVED_TYPES.includes(type)) {
    throw new CarillonError("bad_request", `the type was refused, it is reserved: ${type}`);
  }
  return type;
}

function checkRetry(retry: string): number {
  if (!/^[0-9]+$/.test(retry)) {
    throw new CarillonError("bad_request", "the retry was refused: it is no number of milliseconds");
  }
  return Number(retry);
}
