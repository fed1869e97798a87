import fc from "fast-check";
import { KEY_PAUSE } from "../../src/transports/key_breaker.ts";
import { readReply, type Result } from "../../src/transports/outcome.ts";
import { equal, ok } from "../helpers/assert.ts";

const now = Date.UTC(2026, 10, 23);

/** The digest's table: what an answer means, for the delivery and for its origin. */
const STATUSES: [statuses: number[], outcome: string, origin: string, key?: string][] = [
  [[200, 201, 202, 204], "delivered", "answered", "accepted"],
  [[300, 301, 302, 303, 307, 308], "retry", "answered"],
  [[400, 402, 405, 406, 409, 411, 412, 413, 415, 422, 431, 451], "rejected", "answered"],
  [[401, 403], "retry", "answered", "refused"],
  [[404, 410], "gone", "answered"],
  [[408, 429], "retry", "answered"],
  [[500, 501, 502, 503, 504, 507, 599], "retry", "failed"],
  [[0, 1, 99, 100, 101, 103, 199, 600, 999, NaN, Infinity, -201, 20_100], "retry", "failed"],
];

for (const [statuses, kind, origin, key] of STATUSES) {
  Deno.test(`outcome: ${statuses.join(", ")}: ${kind}, the origin ${origin}`, () => {
    for (const status of statuses) {
      const { outcome, verdict } = readReply({ status }, now);
      equal([outcome.kind, verdict.origin, verdict.key], [kind, origin, key]);
      if (outcome.kind === "retry") equal([outcome.tried, outcome.at], [true, key ? now + KEY_PAUSE : undefined]);
    }
  });
}

Deno.test("outcome: what says Retry-After is obeyed, by the delivery and by what follows it", () => {
  for (const status of [408, 429, 500, 502, 503, 507]) {
    const { outcome, verdict } = readReply({ status, retryAfter: "120" }, now);
    equal([outcome, verdict.wait], [{ kind: "retry", at: now + 120_000, tried: true }, 120_000]);
    const date = new Date(now + 60_000).toUTCString();
    equal(readReply({ status, retryAfter: date }, now).outcome, { kind: "retry", at: now + 60_000, tried: true });
    equal(readReply({ status, retryAfter: "soon" }, now), readReply({ status }, now));
  }
});

Deno.test("outcome: Retry-After changes nothing where the answer is final, or a redirect", () => {
  for (const status of [201, 307, 400, 403, 410, 413]) {
    equal(readReply({ status, retryAfter: "5" }, now), readReply({ status }, now));
  }
});

Deno.test("outcome: a fault of the network or of time is never the end of a subscription", () => {
  for (const fault of ["network", "timeout"] as const) {
    equal(readReply({ fault }, now), { outcome: { kind: "retry", tried: true }, verdict: { origin: "failed" } });
  }
});

Deno.test("outcome: who has too much, and does not say for how long, is left alone for some seconds", () => {
  for (const status of [408, 429]) {
    const { outcome, verdict } = readReply({ status }, now);
    equal([outcome, verdict], [{ kind: "retry", tried: true }, { origin: "answered", wait: 5_000 }]);
  }
});

Deno.test("outcome: a blocked address is tried another time, and tells nothing of the origin", () => {
  equal(readReply({ fault: "blocked" }, now), {
    outcome: { kind: "retry", tried: true },
    verdict: { origin: "silent" },
  });
});

Deno.test("outcome: whatever is answered, only 404 and 410 end a subscription, and no wait is negative", () => {
  const answer = fc.record({ status: fc.integer(), retryAfter: fc.oneof(fc.string(), fc.integer().map(String)) }, {
    requiredKeys: ["status"],
  });
  fc.assert(fc.property(answer, (answer) => {
    const { outcome, verdict }: Result = readReply(answer, now);
    equal(outcome.kind === "gone", answer.status === 404 || answer.status === 410);
    ok((verdict.wait ?? 0) >= 0 && (outcome.kind !== "retry" || (outcome.at ?? now) >= now));
  }));
});
