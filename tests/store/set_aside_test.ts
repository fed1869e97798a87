import { getLogger } from "@logtape/logtape";
import { createMetrics } from "../../src/metrics.ts";
import { printKey, setAside } from "../../src/store/set_aside.ts";
import { equal } from "../helpers/assert.ts";
import { witness } from "../helpers/witness.ts";

const deps = () => ({ log: getLogger("carillon"), metrics: createMetrics() });

Deno.test("set aside: each key is logged once by a worker, and counted each time", async () => {
  using log = witness();
  const one = deps(), other = deps();
  for (let n = 0; n < 5; n++) setAside(one, "retry", ["retry", "a"]);
  setAside(one, "retry", ["retry", "b"]);
  setAside(other, "retry", ["retry", "a"]);
  equal(log.records.map(({ level, properties }) => [level, properties]), [
    ["error", { kind: "retry", key: '["retry","a"]' }],
    ["error", { kind: "retry", key: '["retry","b"]' }],
    ["error", { kind: "retry", key: '["retry","a"]' }],
  ]);
  equal((await one.metrics.recordsSetAside.get()).values.map(({ value }) => value), [6]);
});

Deno.test("set aside: after ten thousand keys the rest is counted alone", async () => {
  using log = witness();
  const worker = deps();
  for (let n = 0; n < 10_010; n++) setAside(worker, "page", ["page", n]);
  equal(log.records.length, 10_000);
  equal((await worker.metrics.recordsSetAside.get()).values.map(({ value }) => value), [10_010]);
});

Deno.test("set aside: any key is printed in one short line", () => {
  equal(printKey(["a", 1, 2n, true, new Uint8Array([10, 255]), "b\n"]), '["a",1,"2n",true,"0aff","b\\n"]');
  equal(printKey(["x".repeat(2_000)]).length, 300);
});
