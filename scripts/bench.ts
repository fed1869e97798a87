/** `deno task bench NAME`: measures a real worker against the marks that the design promises. */
import { parseArgs } from "node:util";
import { cluster } from "./bench/cluster.ts";
import { dav } from "./bench/dav.ts";
import { fanout } from "./bench/fanout.ts";
import { latency } from "./bench/latency.ts";
import { patterns } from "./bench/patterns.ts";
import { publish } from "./bench/publish.ts";
import { push } from "./bench/push.ts";
import { holds, printReport, type Report } from "./bench/report.ts";
import { scale } from "./bench/scale.ts";
import { soak } from "./bench/soak.ts";
import { subscriptions } from "./bench/subscriptions.ts";
import { transports } from "./bench/transports.ts";
import { webpush } from "./bench/webpush.ts";

const BENCHES: Record<string, (options: { quick: boolean }) => Promise<Report>> = {
  latency,
  publish,
  fanout,
  patterns,
  push,
  webpush,
  transports,
  subscriptions,
  soak,
  cluster,
  scale,
  dav,
};

const HELP = `deno task bench NAME [--quick]

  latency        from a publisher's request to the event on a stream, 100 changes a second; from the start to an answer
  publish        Security Event Tokens of one change, and a minute of 200 in each, while ten streams follow
  fanout         one event to 5,000 streams, next to a bare loop of writes and nchan (apt-get install nginx-light libnginx-mod-nchan; cc)
  patterns       one publish among 50,000 matchers, 10,000 of which are patterns
  push           pushes to the push service a second, how soon their events are read, and good ones among 100,000
                 bogus ones (apt-get install wrk)
  webpush        messages encrypted, signed and sent by one core, next to the web-push package (apt-get install nginx-light)
  transports     messages sent by APNs and FCM over one connection each, to the servers of the tests
  subscriptions  what stored ones cost up to a million, how soon the first push is sent, a topic of 100,000 beside
                 another, and checkpoints (a quarter of an hour, 3 GB in .cache/)
  soak           a million events, 100 streams, 10,000 more that come and go: memory must level off
  dav            the DAV door next to the server behind it: Xandikos and Radicale (PyPI), nginx (apt-get install wrk curl git
                 nginx-light)
  cluster        one, two and four isolates on one denokv (cargo): publishing, streams, deliveries, and what following costs
  scale          a million subscribers of one topic on denokv, and 10,000 topics that change at once (apt-get install
                 nginx-light; ten minutes, 5 GB in .cache/, of which one half is kept for the next run)
  all            one after the other

  --quick        a smaller run, to see that the bench works: its figures prove nothing

cluster and scale want CARILLON_DENOKV_HOST, an address that acknowledges at once: docs/scaling.md says how.

Prints a table and last a line of JSON. Ends with 1 when a mark does not hold. Linux only: it reads /proc.
The machine should have nothing else to do.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
  });
  const [name = ""] = positionals;
  const names = name === "all" ? Object.keys(BENCHES) : [name];
  if (values.help || names.some((name) => !(name in BENCHES))) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  return await runAll(names, values.quick) ? 0 : 1;
}

async function runAll(names: string[], quick: boolean): Promise<boolean> {
  let held = true;
  for (const name of names) {
    const report = await BENCHES[name]!({ quick });
    printReport(report);
    held &&= holds(report);
  }
  return held;
}

Deno.exit(await main());
