import fc from "fast-check";
import { readWebhookReply, SCHEDULE } from "../../src/transports/webhook_answers.ts";
import { equal, ok } from "../helpers/assert.ts";

const NOW = 1_800_000_000_000;
const asked = { attempt: 0, now: NOW, random: () => 0, challenge: undefined };

const retryAt = (at: number) => ({ kind: "retry" as const, at, tried: true });

Deno.test("webhook: 2xx alone is success, 410 alone is the end", () => {
  for (let status = 100; status < 600; status++) {
    const { outcome } = readWebhookReply({ status }, asked);
    const wanted = status >= 200 && status < 300 ? "delivered" : status === 410 ? "gone" : "retry";
    equal([status, outcome.kind], [status, wanted]);
  }
});

Deno.test("webhook: a message is tried ten times in three days and given up, as the schedule of Standard Webhooks says", () => {
  const waits = SCHEDULE.map((_, attempt) => readWebhookReply({ status: 500 }, { ...asked, attempt }).outcome);
  equal(waits, SCHEDULE.map((wait) => retryAt(NOW + wait)));
  const seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
  equal(SCHEDULE, seconds.map((wait) => wait * 1_000));
  equal(readWebhookReply({ status: 500 }, { ...asked, attempt: 9 }).outcome, { kind: "rejected" });
});

Deno.test("webhook: Retry-After counts where it is later than the schedule, and the whole endpoint rests", () => {
  const told = (retryAfter: string) => readWebhookReply({ status: 429, retryAfter }, asked);
  equal(told("120").outcome, retryAt(NOW + 120_000));
  equal(told("120").verdict, { origin: "answered", wait: 120_000 });
  equal(told("1").outcome, retryAt(NOW + 5_000));
  equal(told("soon").outcome, retryAt(NOW + 5_000));
});

Deno.test("webhook: a challenge is met by itself or by its JSON, and by nothing else", () => {
  const read = (body: string | undefined) =>
    readWebhookReply({ status: 200, ...(body !== undefined && { body }) }, { ...asked, challenge: "c-1" }).outcome.kind;
  equal(["c-1", " c-1\n", '{"challenge":"c-1"}', '{"challenge":"c-1","more":1}'].map(read), Array(4).fill("delivered"));
  equal([undefined, "", "c-2", "null", "[]", '{"challenge":1}', "c-1 c-1"].map(read), Array(7).fill("retry"));
});

Deno.test("webhook: no answer is tried again, and what is blocked says nothing of the origin", () => {
  const faults = (["network", "timeout", "blocked"] as const).map((fault) => readWebhookReply({ fault }, asked));
  equal(faults.map(({ outcome }) => outcome), Array(3).fill(retryAt(NOW + 5_000)));
  equal(faults.map(({ verdict }) => verdict.origin), ["failed", "failed", "silent"]);
});

Deno.test("webhook: whatever is answered, the next try is never sooner than the schedule and never later than a tenth more", () => {
  const attempt = fc.nat({ max: 8 }), random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const status = fc.integer({ min: 300, max: 599 }).filter((status) => status !== 410);
  fc.assert(
    fc.property(attempt, random, status, fc.option(fc.string(), { nil: undefined }), (attempt, r, status, body) => {
      const reply = { status, ...(body !== undefined && { body }) };
      const { outcome } = readWebhookReply(reply, { ...asked, attempt, random: () => r, challenge: "c" });
      ok(outcome.kind === "retry" && outcome.at! >= NOW + SCHEDULE[attempt]!);
      ok(outcome.at! <= NOW + SCHEDULE[attempt]! * 1.1 + 1);
    }),
  );
});
