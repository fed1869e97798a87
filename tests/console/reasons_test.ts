import fc from "fast-check";
import { explain } from "../../src/console/reasons.ts";
import { APNS_REASONS } from "../../src/transports/apns_answers.ts";
import { FCM_REASONS } from "../../src/transports/fcm_answers.ts";
import { NAMES } from "../../src/transports/registry.ts";
import { equal, ok } from "../helpers/assert.ts";

Deno.test("reasons: each says what to do, and a status stands before it", () => {
  const rows = [
    ["web-push", "503", "503, the fault is its own"],
    ["web-push", "403", "403, it refuses us; check CARILLON_VAPID_KEY"],
    ["webhook", "200", "200, it did not give the challenge back"],
    ["webhook", "404", "404, nothing is there"],
    ["webhook", "network", "there is no connection"],
    ["web-push", "unknown_key", "add it to CARILLON_VAPID_KEY again"],
    ["apns", "400 BadTopic", "400 BadTopic, it refuses us; check CARILLON_APNS"],
    ["fcm", "429 QUOTA_EXCEEDED", "429 QUOTA_EXCEEDED, it has too much"],
  ] as const;
  for (const [transport, reason, said] of rows) ok(explain(transport, reason).includes(said), reason);
});

Deno.test("reasons: every code of a vendor has words, and what is unknown is said as it is", () => {
  for (const reason of Object.keys(APNS_REASONS)) ok(explain("apns", reason).length > reason.length + 20, reason);
  for (const reason of Object.keys(FCM_REASONS)) ok(explain("fcm", reason).length > reason.length + 20, reason);
  fc.assert(fc.property(fc.constantFrom(...NAMES), fc.string(), (transport, reason) => {
    ok(explain(transport, reason).length > 0 || reason === "");
  }));
  for (const reason of ["constructor", "__proto__", "x"]) equal(explain("webhook", reason), reason);
});
