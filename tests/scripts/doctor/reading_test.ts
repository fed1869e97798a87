/** What a stranger's server may answer: nothing of it breaks a check, or reaches a terminal as it is. */
import fc from "fast-check";
import { createECDH } from "node:crypto";
import { checkAddress } from "../../../scripts/doctor/address.ts";
import { offset } from "../../../scripts/doctor/clock.ts";
import { checkDatabase } from "../../../scripts/doctor/database.ts";
import { deploymentOf } from "../../../scripts/doctor/deployment.ts";
import { checkKeys } from "../../../scripts/doctor/keys.ts";
import { readRefusal } from "../../../scripts/doctor/refusal.ts";
import { checkToken } from "../../../scripts/doctor/token.ts";
import { equal, ok } from "../../helpers/assert.ts";
import { manualClock } from "../../helpers/clock.ts";

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** A deployment whose answers are made here. */
function answering(answer: (path: string) => Response, token = "") {
  const clock = manualClock(), url = "https://push.example.com";
  const asked: typeof fetch = (address) => Promise.resolve(answer(`${address}`.slice(url.length)));
  const credential = { token, ring: () => ({ path: "", init: {} }) };
  const about = { ca: undefined, topic: "t", origin: undefined, settings: undefined, credential };
  return { clock, deployment: deploymentOf({ url, ...about, ...clock }, asked) };
}

const member = fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue());
const problem = fc.record({ code: member, err: member, detail: member, advice: member }, { requiredKeys: [] });

Deno.test("doctor: whatever refuses is read, and nothing hidden is passed on", async () => {
  const body = fc.oneof(problem.map((value) => JSON.stringify(value)), fc.string({ unit: "binary" }));
  await fc.assert(fc.asyncProperty(body, async (body) => {
    const { status, detail, advice } = await readRefusal(new Response(body, { status: 403 }));
    equal(status, 403);
    ok(detail.startsWith("403 ") && detail.length < 2000 && !HIDDEN.test(detail), detail);
    ok(advice !== "" && !HIDDEN.test(advice), advice);
  }));
});

Deno.test("doctor: metadata and transports of a stranger fail their check, and break nothing", async () => {
  const transport = fc.record({ uri: fc.constantFrom("urn:ietf:rfc:8030", "x"), vapidPublicKey: member });
  const document = fc.oneof(
    fc.jsonValue(),
    fc.record({ resource: member, transports: fc.array(fc.oneof(transport, member)) }),
  );
  await fc.assert(fc.asyncProperty(document, async (value) => {
    const { deployment } = answering(() => Response.json(value));
    for (const { status, measured } of [await checkAddress(deployment), await checkKeys(deployment)]) {
      equal([status, HIDDEN.test(measured)], ["fail", false]);
    }
  }));
});

Deno.test("doctor: a VAPID key is a point of P-256, in base64url without padding", async () => {
  const point = Uint8Array.from(createECDH("prime256v1").generateKeys()), off = point.with(64, point[64]! ^ 1);
  const write = (bytes: Uint8Array, omitPadding = true) => bytes.toBase64({ alphabet: "base64url", omitPadding });
  const keys = [write(point), write(off), write(point, false), write(point.subarray(1))];
  const found = await Promise.all(keys.map(async (vapidPublicKey) => {
    const offer = { uri: "urn:ietf:rfc:8030", vapidPublicKey };
    return (await checkKeys(answering(() => Response.json({ transports: [offer] })).deployment)).status;
  }));
  equal(found, ["ok", "fail", "fail", "fail"]);
});

Deno.test("doctor: what is no token is told from one", () => {
  fc.assert(fc.property(fc.string(), (token) => {
    const { deployment } = answering(() => new Response(), token);
    equal(checkToken(deployment).status, "fail");
  }));
});

Deno.test("doctor: a clock is ours whenever a second of Date can explain it, and off by no more than it is", () => {
  const times = fc.tuple(
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ max: 1e9, min: -1e9 }),
  );
  fc.assert(fc.property(times, ([there, back, off]) => {
    const sent = Date.UTC(2026, 10, 23), answered = sent + there + off, date = Math.floor(answered / 1000) * 1000;
    const seen = offset(date, sent, sent + there + back);
    ok(off === 0 ? seen === 0 : Math.abs(seen) <= Math.abs(off) && seen * off >= 0, `${seen}`);
    ok(Math.abs(seen - off) <= there + back + 1_000, `${seen}`);
  }));
});

Deno.test("doctor: a database that takes long to be read is worth a warning", async () => {
  const { clock, deployment } = answering((path) => {
    clock.advance(path === "/-/ready" ? 70 : 10);
    return new Response("");
  });
  const { status, measured, advice } = await checkDatabase(deployment);
  equal([status, measured], ["warn", "a read takes 60.0 ms"]);
  ok(advice?.includes("docs/scaling.md"), advice);
});
