import { component } from "../helpers/component.ts";
import { equal } from "../helpers/assert.ts";
import { findDenokv } from "../../scripts/lib/denokv_install.ts";
import { startProcess } from "../../scripts/lib/process.ts";
import { findFront, nginx } from "../helpers/front.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

const test = await component("denokv behind nginx", async () => [await findDenokv(), await findFront(nginx)]);

const cluster = (...args: string[]) =>
  startProcess(Deno.execPath(), { args: ["run", "-A", "scripts/cluster.ts", ...args], cwd: ROOT });

const isAlive = (pid: string) => Deno.stat(`/proc/${pid}`).then(() => true, () => false);

test("cluster: so many workers answer behind one address, and the end of it leaves nothing behind", async () => {
  await using running = cluster("2");
  const [, front] = await running.until(/Front +(\S+)/, 60_000);
  await running.until(/task ring/);
  const pids = [...running.output.out.matchAll(/process (\d+)/g)].map(([, pid]) => pid!);
  equal([pids.length, (await (await fetch(`${front}/-/ready`)).text()).length > 0], [3, true]);
  const { code } = await running.end("SIGINT");
  equal([code, await Promise.all(pids.map(isAlive))], [0, [false, false, false]]);
});

for (const args of [["0"], ["33"], ["two"], ["2", "3"]]) {
  Deno.test(`cluster: ${args.join(" ")} is not understood, and said so in a line`, async () => {
    const running = cluster(...args);
    const { code } = await running.ended;
    equal([code, running.output.err.trim().split("\n").length], [2, 1]);
  });
}
