/** Shows the main job: a real Radicale stores events, a worker hears of each, and so does a listener. */
import { systemClock } from "../src/clock.ts";
import { signAccessToken } from "./lib/access_token.ts";
import { openCalendar } from "./lib/calendar.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { parseDuration } from "./lib/duration.ts";
import { readPushMessage } from "./lib/event_line.ts";
import { follow, type Heard, type HeardEvent } from "./lib/follow.ts";
import { freePort } from "./lib/free_port.ts";
import { interruptSignal } from "./lib/interrupt.ts";
import { print } from "./lib/print.ts";
import { launchRadicale } from "./lib/radicale.ts";
import { findRadicale } from "./lib/radicale_install.ts";
import { escapeHidden } from "./lib/visible.ts";
import { startWorker } from "./lib/worker.ts";

const help = `
deno task demo [--count N] [--every 3s]

Starts a worker and a real Radicale with the hook beside it, writes an event into a calendar every few seconds, and
shows what a listener hears and how long it took. Ctrl-C ends all and leaves nothing behind.

Radicale is installed into .cache/radicale at the first time; that needs python3 with venv, and PyPI.

  --count N      stop after so many events (0: none, go on)
  --every TIME   how long to wait between events: 1s, 1m (3s)
  -h, --help     show this
`;

const options = {
  count: { type: "string", default: "0" },
  every: { type: "string", default: "3s" },
} as const;

const USER = "alice";

/** Milliseconds. The hook sends at once, and after a second again when that failed. */
const HEARD_WITHIN = 15_000;

await runCommand({ name: "demo", help, options }, async ({ values, positionals }) => {
  if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not understood: the demo takes flags alone`);
  if (!/^\d{1,6}$/.test(values.count)) throw new UsageError(`--count was not understood: ${values.count}`);
  const pace = { count: Number(values.count) || Infinity, every: 1000 * parseDuration(values.every, "--every") };
  const signal = interruptSignal();
  try {
    await demonstrate(pace, signal);
  } catch (thrown) {
    // Ctrl-C reaches Radicale and the worker as well, so that whatever was under way fails.
    if (!signal.aborted) throw thrown;
  }
});

async function demonstrate(pace: { count: number; every: number }, signal: AbortSignal): Promise<void> {
  await using things = new AsyncDisposableStack();
  const { worker, radicale, secret } = await start(things);
  const address = `${radicale.url}/${USER}/demo/`;
  const calendar = openCalendar(address, USER);
  await calendar.make();
  const signer = { iss: "radicale", alg: "HS256", key: new TextEncoder().encode(secret) };
  const token = () => signAccessToken(signer, worker.url, { subscribe: [address] }, 3600);
  const hearing = follow({ url: worker.url, topics: [address], token, signal });
  await hear(hearing, ({ kind }) => kind === "connected");
  await print(`Carillon  ${worker.url}\nRadicale  ${radicale.url}\nCalendar  ${address}\n`);
  for (let number = 1; number <= pace.count && !signal.aborted; number++) {
    await show(number, calendar, hearing);
    if (number < pace.count) await systemClock.wait(pace.every, signal);
  }
}

/** What is started is ended again, the last first. */
async function start(things: AsyncDisposableStack) {
  await print("Setting up (the first time installs Radicale into .cache/radicale) …");
  await findRadicale().catch((thrown) => {
    throw new Refusal(`Radicale was not installed: it needs python3 with venv, and PyPI: ${thrown.message}`);
  });
  const folder = await Deno.makeTempDir({ prefix: "carillon-demo-" });
  things.defer(() => Deno.remove(folder, { recursive: true }));
  const secret = crypto.getRandomValues(new Uint8Array(32)).toHex();
  // The hook's settings name Radicale's own address, so its port is chosen before it runs.
  const port = freePort();
  const topics = `http://127.0.0.1:${port}/`;
  const worker = things.use(
    await startWorker({
      CARILLON_KV: `${folder}/carillon.sqlite3`,
      CARILLON_ISSUERS: JSON.stringify([{ iss: "radicale", secret, topics: [`${topics}*`] }]),
      CARILLON_LOG: "warning",
    }),
  );
  const hook = { carillon_url: worker.url, carillon_secret: secret, carillon_topics: topics };
  const radicale = things.use(await launchRadicale({ folder, port, hook }, [USER]));
  return { worker, radicale, secret };
}

async function show(number: number, calendar: ReturnType<typeof openCalendar>, hearing: AsyncGenerator<Heard>) {
  const [at, began] = [Date.now(), performance.now()];
  const since = () => `${Math.round(performance.now() - began)} ms`;
  const isOurs = (heard: Heard) => heard.kind === "event" && timeOf(heard.event) >= at;
  const [stored, [heard, after]] = await Promise.all([
    calendar.put(`event-${number}`).then(since),
    hear(hearing, isOurs).then((heard) => [heard, since()] as const),
  ]);
  if (heard?.kind !== "event") return;
  const line = `event ${number}: heard after ${after}, stored by Radicale after ${stored}`;
  await print(`${new Date().toLocaleTimeString("sv-SE")}  ${line}\n          ${escapeHidden(heard.event.data)}`);
}

function timeOf(event: HeardEvent): number {
  return Date.parse(readPushMessage(event)?.timestamp ?? "");
}

/** The first thing heard that is meant; undefined when the listener was stopped. */
async function hear(hearing: AsyncGenerator<Heard>, isMeant: (heard: Heard) => boolean): Promise<Heard | undefined> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Refusal("nothing was heard for 15 s")), HEARD_WITHIN);
  try {
    while (true) {
      const { value, done } = await Promise.race([hearing.next(), late.promise]);
      if (done || isMeant(value)) return done ? undefined : value;
    }
  } finally {
    clearTimeout(timer);
  }
}
