/** Finding who listens: one publish among fifty thousand matchers, ten thousand of which are patterns. */
import { createAudience } from "../../src/broker/audience.ts";
import { createIndex } from "../../src/broker/audience_index.ts";
import type { Change } from "../../src/model/change.ts";
import { compileMatcher, type MatcherText } from "../../src/model/matcher.ts";
import { type Report } from "./report.ts";
import { quantile, round } from "./statistics.ts";

const HUB = "https://carillon.example/.well-known/mercure";
const SERVER = "https://dav.example";

/** Half of the patterns are of one user's folder, half of every user's folder of one name at a server of its own. */
const SHAPES = [(n: number) => `${SERVER}/user${n}/*`, (n: number) => `https://dav${n}.example/:user/calendar/*`];

export function patterns({ quick }: { quick: boolean }): Promise<Report> {
  const size = quick
    ? { exact: 4_000, patterns: 1_000, publishes: 500 }
    : { exact: 40_000, patterns: 10_000, publishes: 5_000 };
  const find = fill(size), took: number[] = [];
  let found = 0;
  for (let n = 0; n < size.publishes; n++) {
    const told = changeOf(`${SERVER}/user${(n * 7919) % size.patterns}/work/`), since = performance.now();
    found += find(told).toArray().length;
    took.push(performance.now() - since);
  }
  const p50 = quantile(took, 0.5), p99 = quantile(took, 0.99);
  return Promise.resolve({
    bench: "patterns",
    table: [["milliseconds", "p50", "p99"], ["one publish, matched", `${round(p50)}`, `${round(p99)}`]],
    figures: { p50_ms: p50, p99_ms: p99, matchers: size.exact + size.patterns, found_each: found / size.publishes },
    marks: [{ name: "p50_ms", value: p50, atMost: 1 }, {
      name: "found_each",
      value: found / size.publishes,
      atLeast: 1,
    }],
    notes: [],
  });
}

function fill({ exact, patterns }: { exact: number; patterns: number }) {
  const { add, find } = createIndex();
  for (let n = 0; n < exact; n++) add(audience({ match: `${SERVER}/user${n}/work/`, type: "exact" }));
  for (let n = 0; n < patterns; n++) add(audience({ match: SHAPES[n % SHAPES.length]!(n), type: "urlpattern" }));
  return find;
}

function audience(matcher: MatcherText) {
  return createAudience({ matchers: [compileMatcher(matcher, HUB)], rights: "", mayRead: () => true });
}

function changeOf(topic: string): Change {
  return { topics: [topic], private: false, priority: 50, timestamp: 0 };
}
