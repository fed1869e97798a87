/** Signs and sends one Security Event Token: a change of each topic. */
import { findAddress, readTopic } from "./lib/address.ts";
import { describeAnswer, describeFailure } from "./lib/answer.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { print } from "./lib/print.ts";
import { type Message, signSecurityEvent } from "./lib/security_event.ts";
import { findSigner } from "./lib/signer.ts";

const help = `
deno task ring TOPIC… [--priority N] [--sync-token T] [--client-id C] [--data S]

Tells the worker that these collections changed: signs one Security Event Token (RFC 8417) and sends it (RFC 8935).

  --priority N     0 to 100 (50)
  --sync-token T   the collection's new sync-token
  --client-id C    who made the change, and need not be told
  --data S         any text for the listeners
  --url URL        the worker, as it prints its address (CARILLON_URL)
  --key FILE       sign with this private JWK instead of the local issuer's, as deno task issuer makes it
  --issuer NAME    the name of that key's issuer in CARILLON_ISSUERS
  -h, --help       show this

On the worker's machine key and address come from its own settings and database.
`;

const options = {
  priority: { type: "string" },
  "sync-token": { type: "string" },
  "client-id": { type: "string" },
  data: { type: "string" },
  url: { type: "string" },
  key: { type: "string" },
  issuer: { type: "string" },
} as const;

/** Milliseconds. The worker gives up its database after eight seconds, and says so. */
const TIMEOUT = 15_000;

await runCommand({ name: "ring", help, options }, async ({ values, positionals: topics }) => {
  if (topics.length === 0) throw new UsageError("no topic was given");
  const priority = readPriority(values.priority);
  const { "sync-token": syncToken, "client-id": clientId, data } = values;
  const more = { priority, "sync-token": syncToken, "client-id": clientId, data };
  const url = findAddress(values.url);
  const timestamp = new Date().toISOString();
  const messages = topics.map((topic) => ({ topic: readTopic(topic, url), timestamp, ...more }));
  await send(url, await signSecurityEvent(await findSigner(values), url, messages), messages);
});

async function send(url: string, token: string, messages: Message[]): Promise<void> {
  const began = performance.now();
  const response = await post(`${url}/-/events`, token).catch((thrown) => {
    throw new Refusal(`${describeFailure(thrown, url)}: start the worker (deno task start), or give its --url`);
  });
  if (response.status !== 202) throw new Refusal(`${url} refused it: ${await describeAnswer(response)}`);
  const changes = messages.length === 1 ? "1 change" : `${messages.length} changes`;
  await print(`${changes} accepted by ${url} in ${Math.round(performance.now() - began)} ms`);
}

async function post(address: string, token: string): Promise<Response> {
  return await fetch(address, {
    method: "POST",
    body: token,
    headers: { "content-type": "application/secevent+jwt", accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT),
  });
}

function readPriority(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new UsageError(`--priority was not understood: ${text}: give a number from 0 to 100`);
}
