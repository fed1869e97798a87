/** Several workers on one database behind one front, to try what many isolates do. */
import { type Cluster, startCluster } from "./lib/cluster.ts";
import { Refusal, runCommand, UsageError } from "./lib/command.ts";
import { DENOKV_TOKEN } from "./lib/denokv.ts";
import { findDenokv } from "./lib/denokv_install.ts";
import { interruptSignal } from "./lib/interrupt.ts";
import { print } from "./lib/print.ts";

const help = `
deno task cluster [N]

Starts N workers (3) on one denokv behind one nginx, and shows where each of them listens. End one of them by its
process id, and see that nothing is lost. Ctrl-C ends all and leaves nothing behind.

denokv is built by cargo at the first time, which takes some minutes; nginx is Debian's nginx-light.

  -h, --help     show this
`;

/** Workers of one machine. */
const MOST = 32;

await runCommand({ name: "cluster", help, options: {} }, async ({ positionals: [count = "3", ...more] }) => {
  if (more.length > 0) throw new UsageError(`${more[0]} is not understood: how many workers is all that it takes`);
  if (!/^\d{1,2}$/.test(count) || Number(count) < 1 || Number(count) > MOST) {
    throw new UsageError(`how many workers was not understood, write 1 to ${MOST}: ${count}`);
  }
  await run(Number(count), interruptSignal());
});

async function run(count: number, signal: AbortSignal): Promise<void> {
  await print(`Starting ${count} workers (the first time builds denokv) …`);
  await findDenokv().catch((thrown) => {
    throw new Refusal(`denokv was not built, it needs cargo, of rustup.rs: ${thrown.message}`);
  });
  const folder = await Deno.makeTempDir({ prefix: "carillon-cluster-" });
  try {
    await using cluster = await startCluster(folder, count).catch((thrown) => {
      throw new Refusal(`the cluster did not start: ${thrown.message}`);
    });
    await print(describe(cluster));
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function describe({ url, denokv, workers }: Cluster): string {
  const at = `--url ${url} https://example.com/calendars/alice/work/`;
  const lines = [
    `Front    ${url}`,
    ...workers.map(({ url, pid }) => `Worker   ${url}   process ${pid}`),
    `Database ${denokv.url}   process ${denokv.pid}`,
    "",
    "Try it in two more terminals, in this folder:",
    `  export CARILLON_KV=${denokv.url} DENO_KV_ACCESS_TOKEN=${DENOKV_TOKEN}`,
    `  npx -y deno@2.9.6 task listen ${at}`,
    `  npx -y deno@2.9.6 task ring ${at}`,
  ];
  return lines.join("\n");
}
