/** One thread for each core. How many there are does not change what comes out. */
import type { Part } from "./part.ts";
import { countGroups, type Scenario } from "./group.ts";
import { addTally, createTally, type Tally } from "./tally.ts";
import type { Order } from "./worker.ts";

export type Threads = ReturnType<typeof startThreads>;

export function startThreads(count = navigator.hardwareConcurrency) {
  const url = import.meta.resolve("./worker.ts");
  const workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));

  /** The whole of a scenario, of which each thread simulates as much. */
  async function simulateAll({ strategy, ...scenario }: Scenario, waits?: Uint32Array): Promise<Tally> {
    const parts = split(countGroups(scenario.size.users), count);
    const orders = parts.map((part) => ({ scenario, strategy: strategy.name, part, waits }));
    const tallies = await Promise.all(orders.map((order, i) => ask(workers[i]!, order)));
    const sum = createTally(scenario.size.days);
    for (const tally of tallies) addTally(sum, tally);
    return sum;
  }

  return { simulateAll, [Symbol.dispose]: () => workers.forEach((worker) => worker.terminate()) };
}

function split(groups: number, count: number): Part[] {
  const place = (i: number) => Math.floor(groups * i / count);
  return Array.from({ length: count }, (_, i) => ({ from: place(i), to: place(i + 1) }));
}

async function ask(worker: Worker, order: Order): Promise<Tally> {
  const { promise, resolve, reject } = Promise.withResolvers<Tally>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
  worker.postMessage(order);
  return await promise;
}
