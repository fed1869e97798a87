/** One client against one server, twice: direct, and through a real Carillon in front of it. */
import { type BenchWorker, startWorker } from "../bench/worker.ts";
import { compare, type Difference } from "./compare.ts";
import type { ClientKind, Place, ServerKind, Step } from "./kinds.ts";

/**
 * `limits` are the differences that are known and said in `KNOWN_LIMITS`. `unsteady`: where there were any, a second run
 * directly differed from the first one, in so many steps.
 */
export type Run = {
  client: string;
  direct: Step[];
  through: Step[];
  differences: Difference[];
  limits: Difference[];
  unsteady: number;
};

/** Steps that go otherwise through Carillon, and why they must. */
export const KNOWN_LIMITS: Record<string, string> = {
  "unknown method": "a method that no standard has is 400: Node's parser reads none that it does not know",
};

export async function runTwice(server: ServerKind, client: ClientKind): Promise<Run> {
  const runDirect = () => withServer(server, (place, folder) => client.run(place, folder));
  const direct = await runDirect();
  const through = await withServer(
    server,
    (place, folder) => withCarillon(place, (place) => client.run(place, folder)),
  );
  const found = Object.groupBy(compare(direct, through), ({ step }) => step in KNOWN_LIMITS ? "limits" : "differences");
  const { differences = [], limits = [] } = found;
  const unsteady = differences.length > 0 ? compare(direct, await runDirect()).length : 0;
  return { client: client.name, direct, through, differences, limits, unsteady };
}

/** Starts the server with nothing in it, and lends the client a folder of its own. */
export async function withServer<T>(server: ServerKind, use: (place: Place, folder: string) => Promise<T>): Promise<T> {
  await using data = await temporaryFolder();
  await using work = await temporaryFolder();
  await using running = await server.start(data.path);
  return await use(running.place, work.path);
}

/** Starts the real process in front of it; the place that it hands on has Carillon's origin. */
export async function withCarillon<T>(
  place: Place,
  use: (place: Place, worker: BenchWorker) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> {
  await using worker = await startWorker({ env: { CARILLON_UPSTREAM: place.origin, ...env } });
  return await use({ ...place, origin: worker.url }, worker);
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "interop-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
