/** What the engine is given. */
import type { Logger } from "@logtape/logtape";
import type { Clock } from "../../clock.ts";
import type { Metrics } from "../../metrics.ts";
import type { Senders } from "../../model/delivery.ts";

export type DeliverDeps = {
  kv: Deno.Kv;
  /** The embedded database: one process writes it, so that whoever owned a shard before is dead. */
  embedded: boolean;
  clock: Clock;
  random: () => number;
  log: Logger;
  metrics: Metrics;
  senders: Senders;
  /** A random text of this database: keyed hashes tell strangers nothing. */
  hashKey: string;
  /** This worker, among all of a cell. */
  worker: string;
  /** How many workers the cell has. */
  workers: () => Promise<number>;
};
