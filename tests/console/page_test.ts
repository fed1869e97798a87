import fc from "fast-check";
import type { Figures } from "../../src/console/figures.ts";
import { ConsolePage, FiguresPart } from "../../src/console/page.tsx";
import { ERRORS } from "../../src/errors.ts";
import { equal, ok } from "../helpers/assert.ts";

const QUIET: Figures = {
  now: 0,
  samples: [],
  deliveries: [],
  paused: 0,
  survey: {
    confirmed: 0,
    unconfirmed: 0,
    transports: { counts: [], lookedAt: 0, isWhole: true },
    waiting: { soonest: [], isWhole: true },
  },
  refusals: [],
  failures: [],
  issuers: [{ iss: "local", keys: "a key set", topics: ["*"], rate: undefined }],
};

const render = (figures: Partial<Figures>) => `${FiguresPart({ figures: { ...QUIET, ...figures } })}`;

Deno.test("page: where there is nothing it says what to do next", () => {
  const html = render({});
  for (const advice of ["POST /-/subscriptions", "send a test ring", "CARILLON_ISSUERS", "shows up here"]) {
    ok(html.includes(advice), advice);
  }
});

Deno.test("page: what somebody else has chosen is text, whatever it holds", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (before, after) => {
    const text = `${before}"'><x-evil ${after}`, seen = { count: 1, at: 0 };
    const waiting = { topic: text, transport: "webhook" as const, service: text, tries: 1, at: 0, reason: text };
    const survey = { ...QUIET.survey as object, confirmed: 1, waiting: { soonest: [waiting], isWhole: true } };
    const html = render({
      survey: survey as Figures["survey"],
      refusals: [{ ...seen, code: "not_found", meaning: ERRORS.not_found, detail: text, path: text }],
      failures: [{ ...seen, transport: "webhook", service: text, outcome: "gone" }],
      issuers: [{ iss: text, keys: "a key set", topics: [text], rate: 1 }],
    });
    equal([html.includes("<x-evil"), html.split("&lt;x-evil").length], [false, 9]);
  }));
});

Deno.test("page: a database that does not answer is said, and what the worker knows is shown", () => {
  const html = render({ survey: "kv_timeout", paused: 2 });
  ok(html.includes("kv_timeout") && html.includes("/-/ready") && html.includes("2 push services paused"), html);
});

Deno.test("page: a chart has no more than it is given, and no number that is none", () => {
  const value = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  const sample = fc.record({ streams: value, changes: value, delivered: value, failed: value, retries: value });
  fc.assert(fc.property(fc.array(sample, { maxLength: 300 }), (samples) => {
    const html = render({ samples });
    ok(!/NaN|Infinity|undefined/.test(html), html);
  }));
});

Deno.test("page: why something fails is said with what to do, of what waits and of what failed", () => {
  const where = { transport: "webhook" as const, service: "https://a.example", at: 0 };
  const waiting = (tries: number, reason?: string) => ({ ...where, topic: "t", tries, reason });
  const soonest = [waiting(2, "503"), waiting(0, "unusable"), waiting(1), waiting(0)];
  const survey = { ...QUIET.survey as object, confirmed: 1, waiting: { soonest, isWhole: true } } as Figures["survey"];
  const html = render({ survey, failures: [{ ...where, outcome: "retry", reason: "timeout", count: 1 }] });
  const words = [
    "A change failed 2 times: 503, the fault is its own",
    "A change waits: its keys or address cannot be used; check CARILLON_SECRET",
    "A change failed 1 time: the service did not take it",
    "A change was not tried yet",
    "The last time: there is no answer in time",
  ];
  for (const each of words) ok(html.includes(each), each);
});

Deno.test("page: what failed in the last minutes is said and drawn; where nothing did, no line of it is", () => {
  const calm = { streams: 1, changes: 1, delivered: 3, failed: 0, retries: 0 };
  const after = (failed: number) => render({ samples: [{ ...calm, failed }, calm] });
  equal([after(0).includes("none failed"), after(0).includes('class="line bad"')], [true, false]);
  equal([after(2).includes("at most 2 failed"), after(2).includes('class="line bad"')], [true, true]);
});

Deno.test("page: no script and no style stands in it", () => {
  const html = `${ConsolePage({ figures: QUIET })}`;
  equal(html.match(/<script.*?<\/script>/gs), ['<script type="module" src="/-/console/console.js"></script>']);
  ok(!/<style|\sstyle=|\son[a-z]+=|javascript:/i.test(html), html);
});
