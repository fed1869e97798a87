/** Large bodies: 100 MB in either direction. */
import { join } from "node:path";
import { startBareProxy } from "./bare_proxy.ts";
import { type CurlResult, runCurl } from "./curl.ts";
import { inTurns, type Part, ratios, toRow } from "./dav_turns.ts";
import { freshFolder } from "./paths.ts";
import { residentMb } from "./process_usage.ts";
import { startNginxProxy, startStaticNginx } from "./static_nginx.ts";
import { median } from "./statistics.ts";
import { startWorker } from "./worker.ts";

const BYTES = 100 * 1024 * 1024;
const WHOLE = 9, QUICK = 2;

type Compared = Record<"direct" | "gateway" | "bare" | "through", CurlResult[]>;

export async function bodies(quick: boolean): Promise<Part> {
  const folder = await freshFolder("body"), file = join(folder, "body");
  await Deno.writeFile(file, new Uint8Array(BYTES).fill(120));
  await using nginx = await startStaticNginx({ "large": new Uint8Array(BYTES).fill(120) });
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: nginx.url } });
  await using bare = await startBareProxy(nginx.url);
  await using through = await startNginxProxy(nginx.url);
  const turns = quick ? QUICK : WHOLE;
  const get = await compare("GET", turns, (url) => runCurl(`${url}/large`));
  const put = await compare("PUT", turns, (url) => runCurl(`${url}/put`, "-T", file));
  const memory = residentMb(worker.pid);
  await Deno.remove(folder, { recursive: true });
  return {
    rows: [...rowsOf("GET of 100 MB, MB/s", get), ...rowsOf("PUT of 100 MB, MB/s", put)],
    figures: { get_mb_per_s: median(speedsOf(get.gateway)), put_mb_per_s: median(speedsOf(put.gateway)) },
    marks: [
      { name: "get_ratio", value: ratioOf(get), atLeast: 0.5 },
      { name: "put_ratio", value: ratioOf(put), atLeast: 0.5 },
    ],
    notes: [`the worker after ${turns} bodies of 100 MB each way: ${memory.toFixed(0)} MB`],
  };

  async function compare(name: string, turns: number, run: (url: string) => Promise<CurlResult>): Promise<Compared> {
    const of = ({ url }: { url: string }) => () => run(url);
    const runs = { direct: of(nginx), gateway: of(worker), bare: of(bare), through: of(through) };
    for (const warm of Object.values(runs)) await warm();
    return await inTurns(`${name} of 100 MB`, turns, runs);
  }
}

function speedsOf(runs: CurlResult[]): number[] {
  return runs.map(({ bytes, seconds }) => bytes / seconds / 1e6);
}

function ratioOf({ direct, gateway }: Compared): number {
  return median(ratios(speedsOf(gateway), speedsOf(direct)));
}

function rowsOf(name: string, { direct, gateway, bare, through }: Compared): string[][] {
  const cores = direct.map((run) => run.clientCores);
  return [
    toRow(name, speedsOf(direct), speedsOf(gateway), cores),
    toRow("  through bare node:http", speedsOf(direct), speedsOf(bare), cores),
    toRow("  through nginx", speedsOf(direct), speedsOf(through), cores),
  ];
}
