/** Small requests a second: of a real DAV server, and of nginx, which costs almost nothing itself. */
import { startBareProxy } from "./bare_proxy.ts";
import { inTurns, type Part, ratios, toRow } from "./dav_turns.ts";
import { startNginxProxy, startStaticNginx } from "./static_nginx.ts";
import { median } from "./statistics.ts";
import { startWorker } from "./worker.ts";
import { type Requested, runWrk, type WrkResult } from "./wrk.ts";
import { CALENDAR, startXandikos } from "./xandikos.ts";

const CLIENTS = 20;
const WHOLE = { turns: 15, seconds: 2 }, QUICK = { turns: 1, seconds: 1 };

/** What a client asks for when it looks whether anything is new. */
const POLL: Requested = {
  method: "PROPFIND",
  headers: { "Depth": "0", "Content-Type": "application/xml; charset=utf-8" },
  body: '<propfind xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/"><prop>' +
    "<resourcetype/><displayname/><CS:getctag/><sync-token/></prop></propfind>",
};

type Compared = Record<"direct" | "gateway" | "bare" | "nginx", WrkResult[]>;

export async function requestsOfXandikos(quick: boolean): Promise<Part> {
  await using xandikos = await startXandikos();
  const results = await compareAll(xandikos.url, CALENDAR, POLL, [CLIENTS, 1], quick);
  const many = results[CLIENTS]!, one = results[1]!, added = addedOf(one);
  return {
    rows: [
      ...rowsOf(`PROPFIND/s, Xandikos, ${CLIENTS} clients`, many),
      ...rowsOf("PROPFIND/s, Xandikos, one client", one),
      toRow("  its p50, ms", p50sOf(one.direct), p50sOf(one.gateway), one.gateway.map((run) => run.clientCores)),
    ],
    figures: { ...figuresOf("xandikos_20", many), ...figuresOf("xandikos_1", one), xandikos_1_added_ms: added },
    marks: [
      { name: "xandikos_20_ratio", value: ratioOf(many, "gateway"), atLeast: 0.95 },
      { name: "xandikos_1_ratio", value: ratioOf(one, "gateway"), atLeast: 0.6 },
      { name: "xandikos_1_added_p50_ms", value: added, atMost: 0.6 },
      { name: "xandikos_failed", value: failedOf(many) + failedOf(one), atMost: 0 },
    ],
    notes: [
      `p99 of ${CLIENTS} clients, ms: ${p99Of(many.direct)} directly, ${p99Of(many.gateway)} through the gateway`,
    ],
  };
}

export async function requestsOfNginx(quick: boolean): Promise<Part> {
  await using nginx = await startStaticNginx({ "small.ics": "x".repeat(1024) });
  const results = (await compareAll(nginx.url, "/small.ics", { method: "GET" }, [CLIENTS], quick))[CLIENTS]!;
  return {
    rows: rowsOf(`GET/s of 1 KB, nginx, ${CLIENTS} clients`, results),
    figures: figuresOf("nginx_20", results),
    marks: [
      { name: "nginx_20_ratio", value: ratioOf(results, "gateway"), atLeast: 0.12 },
      { name: "nginx_failed", value: failedOf(results), atMost: 0 },
    ],
    notes: [],
  };
}

/** By number of clients. */
async function compareAll(upstream: string, path: string, requested: Requested, counts: number[], quick: boolean) {
  const { turns, seconds } = quick ? QUICK : WHOLE;
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: upstream } });
  await using bare = await startBareProxy(upstream);
  await using nginx = await startNginxProxy(upstream);
  const urls = { direct: upstream, gateway: worker.url, bare: bare.url, nginx: nginx.url };
  // What is not compiled yet would be charged to the first turn.
  for (const url of Object.values(urls)) await runWrk(url + path, requested, { connections: CLIENTS, seconds });
  const results: Record<number, Compared> = {};
  for (const connections of counts) {
    const runOf = (url: string) => () => runWrk(url + path, requested, { connections, seconds });
    const { direct, gateway, bare, nginx } = urls;
    const runs = { direct: runOf(direct), gateway: runOf(gateway), bare: runOf(bare), nginx: runOf(nginx) };
    results[connections] = await inTurns(`${requested.method}, ${connections} clients`, turns, runs);
  }
  return results;
}

const speedsOf = (runs: WrkResult[]) => runs.map((run) => run.perSecond);
const p50sOf = (runs: WrkResult[]) => runs.map((run) => run.p50);
const p99Of = (runs: WrkResult[]) => median(runs.map((run) => run.p99)).toFixed(1);
const failedOf = (results: Compared) => Object.values(results).flat().reduce((sum, run) => sum + run.failed, 0);

function ratioOf({ direct, ...others }: Compared, name: "gateway" | "bare" | "nginx"): number {
  return median(ratios(speedsOf(others[name]), speedsOf(direct)));
}

function addedOf({ direct, gateway }: Compared): number {
  return median(gateway.map((run, turn) => run.p50 - direct[turn]!.p50));
}

/** The client has most to do where nobody is in between. */
function rowsOf(name: string, results: Compared): string[][] {
  const row = (name: string, through: WrkResult[], client = through) =>
    toRow(name, speedsOf(results.direct), speedsOf(through), client.map((run) => run.clientCores));
  return [
    row(name, results.gateway, results.direct),
    row("  through bare node:http", results.bare),
    row("  through nginx", results.nginx),
  ];
}

function figuresOf(name: string, results: Compared): Record<string, number> {
  return {
    [`${name}_direct`]: median(speedsOf(results.direct)),
    [`${name}_gateway`]: median(speedsOf(results.gateway)),
    [`${name}_ratio`]: ratioOf(results, "gateway"),
    [`${name}_ratio_of_bare_node_http`]: ratioOf(results, "bare"),
    [`${name}_ratio_of_nginx`]: ratioOf(results, "nginx"),
  };
}
