/** Keeps a desktop client in step: runs its command when a calendar or an address book has changed. */
import { ReceiverError, type Transport } from "../src/client/mod.ts";
import type { DavEffects } from "../src/client/watch/dav.ts";
import { systemClock as clock } from "../src/client/watch/rest.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { interruptSignal } from "./lib/interrupt.ts";
import { note, print } from "./lib/print.ts";
import { escapeHidden } from "./lib/visible.ts";
import { findHeaders, findToken, isInTheClear } from "./watch/credentials.ts";
import { lookFirst, lookUntilReached } from "./watch/first_look.ts";
import { keepInStep } from "./watch/keep_in_step.ts";
import { openPlace, stateFolder } from "./watch/place.ts";
import { keptPush } from "./watch/push.ts";
import { type Ran, runCommandOnce } from "./watch/run_command.ts";
import { createRuns } from "./watch/runs.ts";
import { readSettings, type Settings } from "./watch/settings.ts";

const help = `
deno task watch --url URL --exec COMMAND [--user NAME] [--once]

Runs a command, such as vdirsyncer sync, when a calendar or an address book has changed, and once at the start; until
Ctrl-C. It is told by push where the server has it, and polls where not. What comes while the command runs makes it run
once more afterwards. When it fails it is run again, less and less often.

  --url URL                   a calendar, an address book, their home, or the server's own root
  --exec COMMAND              the shell command
  --timeout TIME              it is ended when it takes longer: 90s, 30m, 12h (10m)
  --once                      print what would be watched, run the command once, and end
  --user NAME                 your name there; the password by one of the next two, or in CARILLON_PASSWORD
  --password-file FILE        a file that holds the password
  --password-command COMMAND  a command that prints it: 'secret-tool lookup service dav'
  --push-service URL          the Carillon that keeps the pushes (the origin of --url)
  --token-file FILE           a file that holds an access token for it, as deno task token makes one; or CARILLON_TOKEN
  --token-command COMMAND     a command that prints one
  -h, --help                  show this

The token is needed once: the subscription is kept in $XDG_STATE_HOME/carillon, and goes on after a restart.
It ends with 1 when it was refused or the command of --once failed, with 2 when it was not understood.
`;

const options = {
  url: { type: "string" },
  exec: { type: "string" },
  timeout: { type: "string", default: "10m" },
  once: { type: "boolean", default: false },
  user: { type: "string" },
  "password-file": { type: "string" },
  "password-command": { type: "string" },
  "push-service": { type: "string" },
  "token-file": { type: "string" },
  "token-command": { type: "string" },
} as const;

const NO_TOKEN = "there is no token, so it is polled: give --token-file, with what deno task token prints";

const { random } = Math;

await runCommand({ name: "watch", help, options }, async ({ values, positionals: [stray] }) => {
  if (stray !== undefined) throw new UsageError(`${escapeHidden(stray)} stands alone: put the command in quotes`);
  const settings = readSettings(values, Deno.env.toObject()), signal = interruptSignal();
  if (isInTheClear(settings)) note("warning: the password is sent in the clear: give an https address");
  const headers = await findHeaders(settings, signal);
  const effects: DavEffects = { fetch, headers, signal, pace: { ...clock, random } };
  if (values.once) await tryOnce(effects, settings);
  else await watchOn(effects, settings);
});

/** What a watch would do, once. */
async function tryOnce(effects: DavEffects, { url, token, ...settings }: Settings): Promise<void> {
  const { signal } = effects, found = await lookFirst(effects, url);
  for (const { url, push } of found.flatMap(({ look }) => look.collections)) {
    await print(`${url}  ${push ? "push" : "poll"}`);
  }
  if (await findToken(token, signal) === undefined) note(NO_TOKEN);
  const { code, isLate } = await runCommandOnce(settings.command, { ...settings, clock, signal });
  if (isLate) throw new Refusal("the command took too long and was ended: give it more --timeout");
  if (code !== 0 && !signal.aborted) {
    throw new Refusal(`the command ended with ${code}: run it by hand until it ends with 0`);
  }
}

async function watchOn(effects: DavEffects, settings: Settings): Promise<void> {
  const { signal } = effects;
  const offline = (why: string) => note(`offline: ${why}`);
  const found = await lookUntilReached(effects, settings.url, { clock, offline });
  await using places = new AsyncDisposableStack();
  const watched = new Map<string, Transport>();
  for (const { url } of found) {
    const place = places.use(await openPlace(stateFolder(Deno.env.toObject()), nameOf(url, settings), note));
    watched.set(url, keptPush({ url: settings.pushService, findToken: () => tokenFor(settings, signal), place }));
  }
  const openRuns = (prepare: () => Promise<void>) =>
    createRuns({ ...runsOf(settings, signal), prepare, clock, random, signal });
  if (!signal.aborted) await keepInStep({ effects, clock, openRuns, note }, watched);
}

/** What is kept is one user's, at one push service. */
function nameOf(url: string, { user, pushService }: Settings): string {
  return JSON.stringify([url, user, pushService]);
}

async function tokenFor({ token }: Settings, signal: AbortSignal): Promise<string> {
  const found = await findToken(token, signal).catch((thrown: Error) => {
    throw new ReceiverError("refused", thrown.message);
  });
  if (found === undefined) throw new ReceiverError("no_transport", NO_TOKEN);
  return found;
}

function runsOf({ command, timeout }: Settings, signal: AbortSignal) {
  let ran: Ran = { code: 0, isLate: false };
  return {
    run: async () => {
      ran = await runCommandOnce(command, { timeout, clock, signal });
      return ran.code === 0 && !ran.isLate;
    },
    failed: (wait: number) => note(`warning: the command ${printEnd(ran)}; again in ${Math.round(wait / 1_000)} s`),
  };
}

function printEnd({ code, isLate }: Ran): string {
  return isLate ? "took longer than --timeout and was ended" : `ended with ${code}`;
}
