/** A multistatus of 10,000 members that is rewritten as it passes: by servers that take their time, and by one of none. */
import { type CurlResult, runCurl } from "./curl.ts";
import { inTurns, type Part, ratios, toRow } from "./dav_turns.ts";
import { type Filled, fillRadicale, fillXandikos } from "./filled_servers.ts";
import { residentMb } from "./process_usage.ts";
import { startStaticNginx } from "./static_nginx.ts";
import { median } from "./statistics.ts";
import { startWorker } from "./worker.ts";

const WHOLE = { members: 10_000, turns: 9, canned: 60 }, QUICK = { members: 1_000, turns: 2, canned: 22 };

/** Memory is compared with that after the third run, and with that after the twentieth, when the heap has its size. */
const EARLY = 3, LATE = 20;

/** As an edge isolate has it; with more, V8 collects seldom, and what is garbage looks like growth. */
const HEAP = ["--v8-flags=--max-old-space-size=256"];

/** What a client of push asks for of each member; what of it is ours; and what the gateway asks for as well. */
const NAMES = "<getetag/><getcontenttype/><displayname/>";
const PUSH =
  `<P:topic xmlns:P="https://bitfire.at/webdav-push"/><P:transports xmlns:P="https://bitfire.at/webdav-push"/>`;
const HIDDEN = "<resourcetype/>";

/** Who a client of no server is: asked for once. */
const CALLER = `<multistatus xmlns="DAV:"><response><href>/alice/</href><propstat><prop>` +
  `<current-user-principal><href>/alice/</href></current-user-principal>` +
  `<C:calendar-home-set xmlns:C="urn:ietf:params:xml:ns:caldav"><href>/alice/</href></C:calendar-home-set>` +
  `</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`;

export async function members(quick: boolean): Promise<Part> {
  const { members, turns, canned } = quick ? QUICK : WHOLE;
  await using xandikos = await fillXandikos(members);
  await using radicale = await fillRadicale(members);
  const parts = [await byServer(xandikos, turns), await byServer(radicale, turns)];
  parts.push(await byNobody(await record(xandikos), canned));
  return {
    rows: parts.flatMap((part) => part.rows),
    figures: Object.assign({}, ...parts.map((part) => part.figures)),
    marks: parts.flatMap((part) => part.marks),
    notes: parts.flatMap((part) => part.notes),
  };
}

async function byServer({ name, url, path, login }: Filled, turns: number): Promise<Part> {
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: url } });
  const run = (url: string, names: string) => () => runCurl(url + path, ...login, ...propfind(names));
  const asked = run(url, NAMES + PUSH + HIDDEN);
  const runs = { direct: run(url, NAMES + PUSH), gateway: run(worker.url, NAMES + PUSH), asked };
  for (const warm of Object.values(runs)) await warm();
  const results = await inTurns(`members of ${name}`, turns, runs);
  const { direct, gateway } = results, ratio = median(ratios(secondsOf(gateway), secondsOf(direct)));
  return {
    rows: [
      toRow(`PROPFIND of all members, ${name}, s`, secondsOf(direct), secondsOf(gateway), coresOf(gateway)),
      toRow("  as the gateway asks, directly", secondsOf(direct), secondsOf(results.asked), coresOf(gateway)),
    ],
    figures: { [`members_${name}_s`]: median(secondsOf(gateway)), [`members_${name}_ratio`]: ratio },
    marks: [
      { name: `members_${name}_ratio`, value: ratio, atMost: 1.3 },
      // What the gateway asks for as well is taken out again: else nothing was rewritten.
      { name: `members_${name}_bytes_ratio`, value: gateway[0]!.bytes / direct[0]!.bytes, atMost: 1.01 },
    ],
    notes: [],
  };
}

/** The answer is there at once, so that nothing but the rewriting takes time, again and again: memory must stay. */
async function byNobody(canned: string, turns: number): Promise<Part> {
  await using nginx = await startStaticNginx({ "canned.xml": canned, "caller.xml": CALLER });
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: nginx.url }, flags: HEAP });
  const memory: number[] = [];
  const run = (url: string, names: string) => () => runCurl(`${url}/canned`, ...propfind(names));
  const rewrite = run(worker.url, NAMES + PUSH);
  const { direct, rewritten, passed } = await inTurns("canned", turns, {
    direct: run(nginx.url, NAMES),
    passed: run(worker.url, NAMES),
    rewritten: () => rewrite().finally(() => memory.push(residentMb(worker.pid))),
  });
  const growthSince = (run: number) => memory.at(-1)! - memory[run - 1]!,
    mbPerSecondOf = (runs: CurlResult[]) => runs.map((run) => canned.length / run.seconds / 1e6);
  return {
    rows: [
      toRow("a canned one, MB/s, rewritten", mbPerSecondOf(direct), mbPerSecondOf(rewritten), coresOf(direct)),
      toRow("  passed on", mbPerSecondOf(direct), mbPerSecondOf(passed), coresOf(direct)),
    ],
    figures: {
      rewritten_mb_per_s: median(mbPerSecondOf(rewritten)),
      members_memory_mb: memory.at(-1)!,
      members_memory_growth_mb: growthSince(EARLY),
    },
    marks: [
      { name: "members_memory_growth_mb", value: growthSince(EARLY), atMost: 32 },
      { name: "members_memory_late_growth_mb", value: growthSince(LATE), atMost: 32 },
    ],
    notes: [
      `the canned answer has ${(canned.length / 1e6).toFixed(1)} MB; the worker's memory after each rewriting, MB: ` +
      memory.map((mb) => mb.toFixed(0)).join(" "),
    ],
  };
}

/** What the server answers to the request as the gateway sends it on. */
async function record({ url, path }: Filled): Promise<string> {
  const body = printPropfind(NAMES + PUSH + HIDDEN), headers = { "Depth": "1", "Content-Type": "application/xml" };
  return await (await fetch(url + path, { method: "PROPFIND", headers, body })).text();
}

function printPropfind(names: string): string {
  return `<propfind xmlns="DAV:"><prop>${names}</prop></propfind>`;
}

function propfind(names: string): string[] {
  return ["-X", "PROPFIND", "-H", "Depth: 1", "-H", "Content-Type: application/xml", "-d", printPropfind(names)];
}

const secondsOf = (runs: CurlResult[]) => runs.map((run) => run.seconds);
const coresOf = (runs: CurlResult[]) => runs.map((run) => run.clientCores);
