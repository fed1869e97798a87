/** deno task watch with a real vdirsyncer, at a real Radicale behind a real worker. */
import { printEvent } from "../../scripts/lib/calendar.ts";
import { freePort } from "../../scripts/lib/free_port.ts";
import { equal, ok } from "../helpers/assert.ts";
import { component } from "../helpers/component.ts";
import { type Desktop, findVdirsyncer, openDesktop } from "../helpers/desktop.ts";
import { eventually } from "../helpers/eventually.ts";
import { helpOf, runScript, startScript } from "../helpers/process.ts";
import { findRadicale } from "../helpers/radicale.ts";

const test = await component("vdirsyncer with Radicale", async () => await findRadicale() && await findVdirsyncer());

const PUSH = /told by push/;

async function startWatch(desktop: Desktop, command: string, path = "/alice/") {
  const args = ["--url", desktop.front.url + path, "--user", "alice", "--exec", command];
  const watching = desktop.watch(args, { ...desktop.env, CARILLON_TOKEN: await desktop.token() });
  await watching.until(PUSH);
  await untilQuiet(desktop, 1);
  return watching;
}

/** Resolves when so many runs have begun at least, and none is going on. */
const untilQuiet = (desktop: Desktop, least: number) =>
  eventually(`${least} runs`, async () => {
    const runs = await desktop.runs();
    return runs.length >= 2 * least && runs.at(-1) === "end";
  });

const untilHere = (desktop: Desktop, names: string[]) =>
  eventually(names.join(), async () => new Set(names).isSubsetOf(new Set(await desktop.listed())), 30_000);

const put = (desktop: Desktop, uid: string) =>
  desktop.write("PUT", `/alice/work/${uid}.ics`, printEvent(uid, `Event ${uid}`));

/** Never two at once: each that begins has ended before the next. */
async function countRuns(desktop: Desktop): Promise<number> {
  const runs = await desktop.runs();
  equal(runs, Array.from(runs, (_, at) => at % 2 === 0 ? "begin" : "end"));
  return runs.length / 2;
}

test("watch: what another client changes is in vdirsyncer's folder by push, and a burst makes few runs", async () => {
  await using desktop = await openDesktop();
  await using watching = await startWatch(desktop, desktop.counted);
  await put(desktop, "one");
  await untilHere(desktop, ["one.ics"]);
  await untilQuiet(desktop, 2);
  const before = await countRuns(desktop), many = Array.from({ length: 50 }, (_, at) => `many-${at}`);
  for (const uid of many) await put(desktop, uid);
  await untilHere(desktop, many.map((uid) => `${uid}.ics`));
  await untilQuiet(desktop, before + 1);
  const runs = await countRuns(desktop) - before;
  ok(runs <= 4, `${runs} runs`);
  equal((await watching.end("SIGTERM")).code, 0);
});

test("watch: what vdirsyncer itself uploads runs it once or twice more, and no end of times", async () => {
  await using desktop = await openDesktop();
  const own = Array.from({ length: 20 }, (_, at) => `own-${at}`);
  for (const uid of own) await Deno.writeTextFile(`${desktop.files}/${uid}.ics`, printEvent(uid, uid));
  await using watching = await startWatch(desktop, desktop.counted, "/alice/work/");
  await untilQuiet(desktop, 2);
  const uploaded = await desktop.radicale.as("alice").request("PROPFIND", "/alice/work/", undefined, { depth: "1" });
  equal([...uploaded.text.matchAll(/own-\d+\.ics<\/href>/g)].length, own.length);
  await put(desktop, "other");
  await untilHere(desktop, ["other.ics"]);
  await untilQuiet(desktop, 3);
  const runs = await countRuns(desktop);
  ok(runs <= 6, `${runs} runs`);
  equal((await watching.end("SIGTERM")).code, 0);
});

test("watch: while the gateway is killed it polls, and is in step when that is back", async () => {
  await using desktop = await openDesktop();
  await using watching = await startWatch(desktop, desktop.counted);
  const heardBefore = watching.output.err.length;
  await desktop.kill();
  await watching.see(() => /(polling|offline)/.exec(watching.output.err.slice(heardBefore)) ?? undefined);
  await desktop.radicale.as("alice").putEvent("/alice/work/", "missed");
  await desktop.start();
  await watching.see(() => PUSH.exec(watching.output.err.slice(heardBefore)) ?? undefined, 60_000);
  await untilHere(desktop, ["missed.ics"]);
  await put(desktop, "again");
  await untilHere(desktop, ["again.ics"]);
  equal((await watching.end("SIGTERM")).code, 0);
});

test("watch: its subscription is kept over a restart, needs no token then, and what was missed comes", async () => {
  await using desktop = await openDesktop();
  const watching = await startWatch(desktop, desktop.counted);
  equal((await watching.end("SIGTERM")).code, 0);
  const [kept] = await keptOf(desktop);
  equal(kept!.mode & 0o777, 0o600);
  await put(desktop, "missed");
  const args = ["--url", `${desktop.front.url}/alice/`, "--user", "alice", "--exec", desktop.counted];
  await using again = desktop.watch(args, desktop.env);
  await again.until(PUSH);
  await untilHere(desktop, ["missed.ics"]);
  equal((await keptOf(desktop))[0]!.subscription, kept!.subscription);
  const second = await runScript("watch", args, desktop.env);
  equal(second.code, 1);
  ok(/another process watches this address/.test(second.err), second.err);
  equal((await again.end("SIGINT")).code, 0);
  const said = JSON.stringify([watching.output, again.output]);
  for (const secret of [await desktop.token(), "/-/push/", kept!.auth]) ok(!said.includes(secret), secret);
});

async function keptOf({ folder }: Desktop) {
  const state = `${folder}/state/carillon`;
  const names = (await Array.fromAsync(Deno.readDir(state))).map(({ name }) => name).filter((name) =>
    /json$/.test(name)
  );
  return await Promise.all(names.map(async (name) => {
    const { subscription, keys: { auth } } = JSON.parse(await Deno.readTextFile(`${state}/${name}`));
    return { subscription, auth, mode: (await Deno.stat(`${state}/${name}`)).mode! };
  }));
}

test("watch: --once finds the homes by the server's root, says what would be watched, and runs the command once", async () => {
  await using desktop = await openDesktop();
  await put(desktop, "one");
  const args = ["--url", desktop.front.url, "--once", "--user", "alice", "--exec"];
  const once = await runScript("watch", [...args, desktop.counted], desktop.env);
  equal([once.code, once.out.split("\n")[0]], [0, `${desktop.front.url}/alice/work/  push`], once.err);
  ok(/there is no token/.test(once.err), once.err);
  equal([await desktop.listed(), await countRuns(desktop)], [["one.ics"], 1]);
  const failed = await runScript("watch", [...args, "exit 3"], desktop.env);
  equal([failed.code, /the command ended with 3: run it by hand/.test(failed.err)], [1, true], failed.err);
  const late = await runScript("watch", [...args, "sleep 60", "--timeout", "1s"], desktop.env);
  equal([late.code, /give it more --timeout/.test(late.err)], [1, true], late.err);
});

test("watch: a wrong password ends it with 1 and what to do, and is not shown", async () => {
  await using desktop = await openDesktop();
  const args = ["--url", `${desktop.front.url}/alice/`, "--user", "alice", "--exec", "true"];
  const { code, out, err } = await runScript("watch", args, { ...desktop.env, CARILLON_PASSWORD: "wrong-password" });
  equal([code, out, err], [1, "", "watch: the DAV server refused it: 401: see --user and the password\n"]);
});

test("watch: a token that is refused is told once, and it polls", async () => {
  await using desktop = await openDesktop();
  const args = ["--url", `${desktop.front.url}/alice/`, "--user", "alice", "--exec", desktop.counted];
  await using watching = desktop.watch(args, { ...desktop.env, CARILLON_TOKEN: "a.token.thatisnone" });
  await watching.until(/^warning: the push service refused it: 401: .*deno task token/m);
  await watching.until(/: polling$/m);
  await untilQuiet(desktop, 1);
  ok(!/thatisnone/.test(watching.output.err), watching.output.err);
  equal((await watching.end("SIGTERM")).code, 0);
});

Deno.test("watch: --help shows every flag", async () => {
  const help = await helpOf("watch");
  const flags = ["url", "exec", "timeout", "once", "user", "password-file", "password-command", "push-service"];
  for (const flag of [...flags, "token-file", "token-command"]) ok(help.includes(`--${flag}`), flag);
});

Deno.test("watch: without a server it says so, waits, and ends by SIGTERM", async () => {
  await using watching = startScript("watch", ["--", "--url", `http://127.0.0.1:${freePort()}/`, "--exec", "true"]);
  await watching.until(/^offline: the DAV server was not reached: see --url, .*DENO_CERT/m);
  equal((await watching.end("SIGTERM")).code, 0);
});
