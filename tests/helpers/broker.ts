/** The parts of a broker over a real embedded database in memory. */
import { getLogger } from "@logtape/logtape";
import { createMetrics } from "../../src/metrics.ts";
import type { Send, Senders } from "../../src/model/delivery.ts";
import type { Change } from "../../src/model/change.ts";
import type { Sink } from "../../src/broker/sink.ts";
import type { Reader } from "../../src/broker/audience.ts";
import { compileMatcher } from "../../src/model/matcher.ts";
import { manualClock } from "./clock.ts";

export const HUB = "https://carillon.example/.well-known/mercure";

/** Every transport sends so. */
export function allSenders(send: Send): Senders {
  return { "web-push": send, webhook: send, apns: send, fcm: send };
}

export function brokerDeps(kv: Deno.Kv, clock = manualClock()) {
  return {
    kv,
    embedded: true,
    isLagging: () => false,
    epoch: "epoch123",
    clock,
    random: () => 0.5,
    log: getLogger("carillon"),
    metrics: createMetrics(),
    vapidKey: "vapid",
    maxStreams: 20_000,
    maxSubjectStreams: 100,
    activeSubscriptions: false,
    readMemory: () => [],
    senders: allSenders(() => Promise.resolve({ kind: "delivered" })),
  };
}

/** A database in memory that is closed with the test's scope. */
export async function memoryKv(): Promise<Deno.Kv & AsyncDisposable> {
  const kv = await Deno.openKv(":memory:");
  return Object.assign(kv, { [Symbol.asyncDispose]: () => Promise.resolve(kv.close()) });
}

export function change(topic: string, more: Partial<Change> = {}): Change {
  return { topics: [topic], private: false, priority: 50, timestamp: 0, data: topic, ...more };
}

export function reader(
  match: string,
  type: "exact" | "urlpattern" = "exact",
  readable?: (topic: string) => boolean,
): Reader {
  return {
    matchers: [compileMatcher({ match, type }, HUB)],
    rights: String(readable),
    mayRead: readable ?? (() => true),
  };
}

/** A sink that keeps what was written; `queued` can be set to play a slow reader. */
export function memorySink(): Sink & {
  text: string;
  data: string[];
  ended: boolean;
  destroyed: boolean;
  chunks: number;
  queued: number;
} {
  const decoder = new TextDecoder();
  return {
    text: "",
    chunks: 0,
    ended: false,
    destroyed: false,
    queued: 0,
    write(chunk) {
      this.text += decoder.decode(chunk);
      this.chunks++;
    },
    end() {
      this.ended = true;
    },
    destroy() {
      this.destroyed = true;
    },
    get data() {
      return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!);
    },
  };
}

/** A KV with some methods of its own: what is under it stays real. */
export function overrideKv(kv: Deno.Kv, methods: Record<string, (...args: never[]) => unknown>): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      if (typeof name === "string" && name in methods) return methods[name];
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A KV that counts its scans. */
export function countScans(kv: Deno.Kv): { counting: Deno.Kv; scans: () => number } {
  let scans = 0;
  const list = (...args: Parameters<Deno.Kv["list"]>) => (scans++, kv.list(...args));
  return { counting: overrideKv(kv, { list }), scans: () => scans };
}

/** A KV whose next commits meet a fault. */
export function faultyKv(
  kv: Deno.Kv,
  fault: (
    commit: () => Promise<Deno.KvCommitResult | Deno.KvCommitError>,
  ) => Promise<Deno.KvCommitResult | Deno.KvCommitError>,
): Deno.Kv {
  return overrideKv(kv, {
    atomic: () => {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      return Object.assign(operation, { commit: () => fault(commit) });
    },
  });
}
