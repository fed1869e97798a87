/** Starts a worker. The only place that reads the environment, opens KV, listens, handles signals and sets cron. */
import type { Logger } from "@logtape/logtape";
import { banner } from "./src/banner.ts";
import { systemClock } from "./src/clock.ts";
import { type Config, ConfigError, readConfig } from "./src/config.ts";
import { openLog } from "./src/log.ts";
import { systemMemory } from "./src/memory.ts";
import { collectProcessMetrics, createMetrics } from "./src/metrics.ts";
import { openSenders } from "./src/senders.ts";
import { serveDeno } from "./src/serve/deno_serve.ts";
import { openDirectWrites } from "./src/serve/direct_write.ts";
import { serveNode } from "./src/serve/node_http.ts";
import { makeAdminToken, readAdminHash } from "./src/store/keys.ts";
import { openStore } from "./src/store/open.ts";
import { StoreError } from "./src/store/store_error.ts";
import { startWorker, type Worker } from "./src/worker.ts";

const HELP = `
deno task start

Starts a worker, until Ctrl-C or SIGTERM. It takes no flags: its settings are variables of the environment, none of
which it needs (README.md, "Settings").
`.trim();

/** sysexits.h: the command was not understood; something is wrong with the configuration; a service that we need is not available. */
const EX_USAGE = 64;
const EX_CONFIG = 78;
const EX_UNAVAILABLE = 69;

/** Milliseconds: who is told to stop is killed after ten seconds by Docker. */
const LEAVE_WITHIN = 9_000;

const isDeploy = Deno.env.has("DENO_DEPLOYMENT_ID");
const isTerminal = Deno.stdout.isTerminal();
const started = Promise.withResolvers<Worker>();

// At top level and before anything listens, as Deno Deploy demands.
Deno.cron("upkeep", "* * * * *", async () => await (await started.promise).minute());

async function main(): Promise<void> {
  checkArguments(Deno.args);
  const config = readConfig(Deno.env.toObject());
  const log = await openLog(config.log, Deno.stderr.isTerminal());
  const kv = await openStore(isDeploy ? undefined : config.kv);
  const metrics = createMetrics();
  collectProcessMetrics(metrics);
  const adminToken = await firstAdminToken(kv, config);
  const embedded = !isDeploy && !/^https?:/.test(config.kv);
  const serve = isDeploy ? serveDeno : nodeServer();
  const deps = { config, kv, clock: systemClock, random: Math.random, log, metrics, readMemory: systemMemory() };
  const outlets = await openSenders(deps);
  const worker = await startWorker({ ...deps, embedded, fetch, outlets, serve });
  started.resolve(worker);
  console.log(banner({ url: worker.url, adminToken }));
  if (isDeploy && config.upstream) log.warning("there is no DAV door on Deno Deploy: CARILLON_UPSTREAM is not used");
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => void leave());

  async function leave(): Promise<void> {
    log.info("draining");
    setTimeout(() => leaveNow(log), LEAVE_WITHIN);
    await worker.stop();
    await outlets.close();
    kv.close();
    Deno.exit(0);
  }
}

/** A flag that did nothing would be taken for a setting. */
function checkArguments(given: string[]): void {
  // `deno task start -- --help`, as npm wants it, passes the dashes on.
  const args = given[0] === "--" ? given.slice(1) : given;
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    Deno.exit(0);
  }
  if (args.length > 0) exit("start takes no flags: see deno task start --help.", EX_USAGE);
}

/** What a silent database keeps back was never acknowledged, and others take its shards in time. */
function leaveNow(log: Logger): never {
  log.warn("the database is silent: left before all was drained");
  return Deno.exit(0);
}

function nodeServer(): typeof serveNode {
  const direct = openDirectWrites();
  return (host, port, start) => serveNode(host, port, start, direct);
}

/** Made at first start and shown once, to a person: never into a file of logs. */
async function firstAdminToken(kv: Deno.Kv, config: Config): Promise<string | undefined> {
  const hash = await readAdminHash(kv);
  if (!isTerminal || config.adminToken || hash) return undefined;
  return await makeAdminToken(kv);
}

function refuse(thrown: unknown): never {
  if (thrown instanceof ConfigError) exit(`Carillon cannot start with these settings:\n${thrown.message}`, EX_CONFIG);
  if (thrown instanceof StoreError) exit(thrown.message, EX_UNAVAILABLE);
  if (isTaken(thrown)) exit("The port is taken: set PORT to another one.", EX_UNAVAILABLE);
  throw thrown;
}

/** `node:http` tells it by a code, `Deno.serve` by a class. */
function isTaken(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.AddrInUse || (thrown as { code?: string }).code === "EADDRINUSE";
}

function exit(message: string, code: number): never {
  console.error(message);
  Deno.exit(code);
}

await main().catch(refuse);
