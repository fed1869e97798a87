import { problem } from "../../src/doors/problem.ts";
import { asCarillonError, CarillonError, type ErrorCode, ERRORS } from "../../src/errors.ts";
import { createApp } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { createFigures } from "../../src/console/figures.ts";
import { createTrouble } from "../../src/console/trouble.ts";
import { createMetrics } from "../../src/metrics.ts";
import { getLogger } from "@logtape/logtape";
import type { Broker } from "../../src/broker/broker.ts";
import { createCapabilities } from "../../src/access/capabilities.ts";
import { createPushService } from "../../src/broker/mail/push_service.ts";
import { brokerDeps, memoryKv } from "../helpers/broker.ts";
import { equal, ok } from "../helpers/assert.ts";
import { readRefusal } from "../helpers/refusal.ts";
import { witness } from "../helpers/witness.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];
const SECRET = "a secret from inside";

async function read(response: Response) {
  return readRefusal({ status: response.status, headers: response.headers, text: await response.text() });
}

for (const code of CODES) {
  Deno.test(`problem: ${code} leaves with its status and advice (RFC 9457)`, async () => {
    const headers: Record<string, string> =
      { 401: { "www-authenticate": "Bearer" }, 405: { allow: "GET" } }[ERRORS[code].status as 401] ?? {};
    const refusal = await read(problem(new CarillonError(code, "what was tried: the value", headers)));
    equal([refusal.status, refusal.code], [ERRORS[code].status, code]);
    equal(JSON.parse(refusal.text).detail, "what was tried: the value");
  });
}

Deno.test("problem: an error's own headers leave with it, and win over the table's", () => {
  const { headers } = problem(new CarillonError("overloaded", "a", { "retry-after": "99", "x-own": "1" }));
  equal([headers.get("retry-after"), headers.get("x-own")], ["99", "1"]);
});

Deno.test("problem: what is not ours becomes internal, and nothing of it leaves", async () => {
  for (
    const thrown of [
      new Error(SECRET),
      SECRET,
      { message: SECRET },
      null,
      undefined,
      new AggregateError([new Error(SECRET)]),
    ]
  ) {
    const { status, code, text } = await read(problem(asCarillonError(thrown)));
    equal([status, code, text.includes(SECRET)], [500, "internal", false]);
  }
});

Deno.test("problem: where something of ours breaks, the log says where, and neither log nor answer says what", async () => {
  using seen = witness();
  await using kv = await memoryKv();
  seen.keep(SECRET);
  const metrics = createMetrics(), trouble = createTrouble(systemClock);
  const broken = { check: () => Promise.reject(new TypeError(SECRET)) } as unknown as Broker;
  const app = createApp({
    kv,
    cookies: true,
    trouble,
    figures: createFigures({ kv, clock: systemClock, metrics, trouble, issuers: [] }),
    url: "https://carillon.example",
    issuers: [],
    origins: [],
    anonymous: false,
    broker: broken,
    fetch,
    clock: systemClock,
    log: getLogger("carillon"),
    metrics,
    adminHash: () => Promise.resolve(undefined),
    isDraining: () => false,
    offers: [],
    maxStreams: 1,
    maxSubjectStreams: 1,
    capabilities: createCapabilities("key"),
    pushService: createPushService({
      ...brokerDeps(kv),
      embedded: true,
      seats: { take: () => true, leave: () => {} },
      tokenOf: () => "",
      messageUrl: () => "",
    }),
  });
  const { status, code, text } = await read(await app.handle(new Request(`http://localhost/-/ready?${SECRET}`), {}));
  equal([status, code], [500, "internal"]);
  seen.hear(text);
  seen.testify();
  const { level, properties } = seen.records[0]!;
  equal([level, properties.code, properties.path], ["error", "internal", "/-/ready"]);
  ok(String(properties.at).startsWith("TypeError"), String(properties.at));
});

Deno.test("problem: a witness notices a secret in a log line and in an answer", () => {
  for (const where of ["log", "answer"]) {
    using seen = witness();
    const token = seen.keep("header.the-payload-of-a-token.the-signature");
    if (where === "log") getLogger("carillon").info("{a}", { a: { b: token.split(".")[1] } });
    else seen.hear(`{"detail":"${token.split(".")[2]}"}`);
    let noticed = false;
    try {
      seen.testify();
    } catch {
      noticed = true;
    }
    ok(noticed, where);
  }
});

Deno.test("problem: every code is told apart, and every advice is a sentence", () => {
  for (const code of CODES) ok(/^[A-Z].*\.$/.test(ERRORS[code].advice), code);
});
