/** Asks another route while streams are written to: one request at a time, so that each waits for all that runs. */
import { openKeepAlive, printRequest } from "./keep_alive.ts";

/** Milliseconds between two requests. */
const PAUSE = 10;

/** Both in milliseconds; `at` since 1970. */
type Sample = { at: number; took: number };

/** Begins to ask; the answer ends it and says how long each request took. */
export function probeHealthy(port: number): () => Promise<Sample[]> {
  const samples: Sample[] = [];
  let stopped = false;
  const asking = ask();
  return async () => {
    stopped = true;
    await asking;
    return samples;
  };

  async function ask(): Promise<void> {
    const request = printRequest("GET", "/-/healthy");
    const connection = await openKeepAlive(port);
    while (!stopped) {
      const at = Date.now(), since = performance.now();
      await connection.send(request);
      samples.push({ at, took: performance.now() - since });
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    connection.close();
  }
}
