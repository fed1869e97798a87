/** Prints what is published to topics, as it comes; resumes by itself. */
import { MAX_PATTERNS } from "../src/model/matcher.ts";
import { hasHiddenCharacters } from "../src/model/topic.ts";
import { checkAccessToken, readPatterns, signAccessToken } from "./lib/access_token.ts";
import { findAddress } from "./lib/address.ts";
import { runCommand, UsageError } from "./lib/command.ts";
import { printJson, printLine, readPushMessage } from "./lib/event_line.ts";
import { follow, type HeardEvent, type Target } from "./lib/follow.ts";
import { interruptSignal } from "./lib/interrupt.ts";
import { note, print } from "./lib/print.ts";
import { runForEvent } from "./lib/shell.ts";
import { findSigner } from "./lib/signer.ts";

const help = `
deno task listen TOPIC… [--json] [--since ID] [--exec COMMAND]

Prints what is published to the topics, one line each, until Ctrl-C. When the connection breaks it says so, connects
again by itself, and goes on after the last event: nothing is missed, nothing comes twice.

  --json           print one JSON object a line: {"id", "type", "data"}
  --since 'ID'     begin after the event with this id, or with the earliest that is held: --since earliest
  --exec COMMAND   run a shell command for each event as well, one after the other: the JSON object is on its standard
                   input, its environment has CARILLON_TOPIC and CARILLON_EVENT_ID
  --url URL        the worker, as it prints its address (CARILLON_URL)
  --token TOKEN    an access token, where the worker's database is not at hand (deno task token --subscribe TOPIC)
  -h, --help       show this

A TOPIC is * (every topic), a URLPattern where it holds *, { or (, and one exact topic else.
On the worker's machine key and address come from its own settings and database.
`;

const options = {
  json: { type: "boolean", default: false },
  since: { type: "string" },
  exec: { type: "string" },
  url: { type: "string" },
  token: { type: "string" },
} as const;

/** Seconds. A token of our own is made anew for each connection; the worker ends a stream with its token. */
const TOKEN_LIFE = 3600;

const LOST =
  "warning: events may be missing: the worker does not know the place to resume at; all that it holds follows";

type Output = { json: boolean; exec?: string; signal: AbortSignal };

await runCommand({ name: "listen", help, options }, async ({ values, positionals: topics }) => {
  if (topics.length === 0) throw new UsageError("no topic was given");
  const url = findAddress(values.url);
  checkTopics(topics, url);
  if (hasHiddenCharacters(values.since ?? "")) throw new UsageError("--since is no id of an event");
  const token = await findToken(url, topics, values.token);
  const signal = interruptSignal();
  await listen({ url, topics, token, since: values.since, signal }, { ...values, signal });
});

async function listen(target: Target, output: Output): Promise<void> {
  for await (const heard of follow(target)) {
    if (heard.kind === "connected") note(`connected to ${target.url}`);
    else if (heard.kind === "disconnected") note(`disconnected, ${heard.reason}; trying again in ${heard.wait} ms`);
    else await show(heard.event, target.topics, output);
  }
}

async function show(event: HeardEvent, topics: string[], { json, exec, signal }: Output): Promise<void> {
  if (event.type === "lost") note(LOST);
  if (json) await print(printJson(event));
  if (event.type === "lost") return;
  if (!json) await print(printLine(event, new Date()));
  if (exec === undefined || signal.aborted) return;
  const code = await runForEvent(exec, event, { topic: topicOf(event, topics), signal });
  if (code !== 0 && !signal.aborted) note(`warning: the command ended with ${code} for the event ${event.id}`);
}

/** An update of a Mercure publisher does not say its topic; where one exact topic is listened to, it is that. */
function topicOf(event: HeardEvent, topics: string[]): string {
  const [only = ""] = topics.length === 1 && !/[*{(]/.test(topics[0]!) ? topics : [];
  return readPushMessage(event)?.topic ?? only;
}

function checkTopics(topics: string[], url: string): void {
  const patterns = readPatterns(topics, url).filter(({ type }) => type === "urlpattern").length;
  if (patterns > MAX_PATTERNS) throw new UsageError(`too many patterns: ${patterns}, at most ${MAX_PATTERNS}`);
}

async function findToken(url: string, topics: string[], given: string | undefined): Promise<Target["token"]> {
  if (given !== undefined) {
    const token = checkAccessToken(given);
    return () => token;
  }
  const signer = await findSigner({}, "give --url and --token");
  return () => signAccessToken(signer, url, { subscribe: topics }, TOKEN_LIFE);
}
