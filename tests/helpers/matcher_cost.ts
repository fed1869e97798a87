/** Measures what a pattern costs on topics that are made to hurt, with a deadline that even a hanging pattern keeps. */

/** Milliseconds. Far more than an allowed pattern takes, however busy the machine is. */
const DEADLINE = 5_000;

/** `refused` is the error code; `slowest` the milliseconds of the slowest topic, Infinity when it hung. */
export type Cost = { refused?: string; slowest?: number };

/** A thread that answers one pattern after the other, and is started anew after one that hung. */
export function openMatcherCost(hub: string) {
  let worker = start();

  function start(): Worker {
    return new Worker(new URL("./matcher_cost_worker.ts", import.meta.url), { type: "module" });
  }

  async function measure(pattern: string, topics: string[]): Promise<Cost> {
    const { promise, resolve } = Promise.withResolvers<Cost>();
    const timer = setTimeout(() => resolve({ slowest: Infinity }), DEADLINE);
    worker.onmessage = ({ data }) => resolve(data as Cost);
    worker.postMessage({ pattern, topics, hub });
    const cost = await promise;
    clearTimeout(timer);
    if (cost.slowest === Infinity) {
      worker.terminate();
      worker = start();
    }
    return cost;
  }

  return { measure, [Symbol.dispose]: () => worker.terminate() };
}
