import { runCommandOnce } from "../../../scripts/watch/run_command.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { fastClock } from "../../helpers/clock.ts";
import { eventually } from "../../helpers/eventually.ts";

const clock = fastClock(20), never = new AbortController().signal;

/** Whether a process is there, and is no more than what is left of one that ended. */
async function isAlive(pid: string): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid.trim()}/stat`).catch(() => "() Z");
  return !/\) [ZX]/.test(status);
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await run(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

Deno.test("watch command: its exit code is told, and our secrets are not in its environment", () =>
  inFolder(async (folder) => {
    Deno.env.set("CARILLON_PASSWORD", "secret-of-the-test");
    const how = { timeout: 600_000, clock, signal: never };
    equal(await runCommandOnce(`env > ${folder}/env; exit 7`, how), { code: 7, isLate: false });
    Deno.env.delete("CARILLON_PASSWORD");
    const env = await Deno.readTextFile(`${folder}/env`);
    ok(env.includes("PATH=") && !env.includes("secret-of-the-test"), env);
  }));

Deno.test("watch command: one that hangs is ended with all that it started, also what does not listen", () =>
  inFolder(async (folder) => {
    const command = `trap '' TERM; (trap '' TERM; while :; do sleep 600; done) & echo $! > ${folder}/pid; wait`;
    const { isLate } = await runCommandOnce(command, { timeout: 20_000, clock, signal: never });
    equal(isLate, true);
    const pid = await Deno.readTextFile(`${folder}/pid`);
    await eventually("the end of what it started", async () => !await isAlive(pid));
  }));

Deno.test("watch command: it ends when the watch does", () =>
  inFolder(async (folder) => {
    const ending = new AbortController();
    const running = runCommandOnce(`echo > ${folder}/begun; exec sleep 600`, {
      timeout: 3_600_000,
      clock,
      signal: ending.signal,
    });
    await eventually("its begin", () => Deno.stat(`${folder}/begun`).then(() => true, () => false));
    ending.abort();
    equal(await running, { code: 143, isLate: false });
  }));
