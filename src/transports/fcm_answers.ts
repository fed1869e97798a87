/** What FCM's answers mean (its reference: "ErrorCode", and Google's `google.rpc.Status` around it). */
import { z } from "zod";
import type { Subscriber } from "../model/subscription.ts";
import type { Answer } from "./connection.ts";
import { type Meaning, meaningOf } from "./meaning.ts";
import { lookUp, type Read } from "./vendor.ts";

/** Every row of the table, and what stands where there is no `errorCode`: the `status` of the whole. */
export const FCM_REASONS: Record<string, Meaning> = {
  // Of a field that is not the token: a message too big is one of its causes, and no answer tells which it was.
  "400 INVALID_ARGUMENT": "too_large",
  // Firebase's own account at Apple, or for Web Push, is not good: devices of other kinds are served meanwhile.
  "401 THIRD_PARTY_AUTH_ERROR": "held",
  "401 UNAUTHENTICATED": "stale",
  "403 PERMISSION_DENIED": "refused",
  "403 SENDER_ID_MISMATCH": "gone",
  "403 THIRD_PARTY_AUTH_ERROR": "held",
  // Without an `errorCode` there is no such project: nothing is said of the token.
  "404 NOT_FOUND": "refused",
  "404 UNREGISTERED": "gone",
  "429 QUOTA_EXCEEDED": "throttled",
  "429 RESOURCE_EXHAUSTED": "throttled",
  "500 INTERNAL": "failed",
  "503 UNAVAILABLE": "failed",
};

/** By status alone these say enough. */
const STATUSES: Partial<Record<number, Meaning>> = { 401: "stale", 404: "refused" };

const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

const TOKEN_FIELD = "message.token";

/** Those of other types are passed by. */
const detail = z.object({
  "@type": z.string(),
  errorCode: z.string().optional(),
  fieldViolations: z.array(z.object({ field: z.string().default("") })).default([]),
}).catch({ "@type": "", fieldViolations: [] });
const errorBody = z.object({
  error: z.object({ status: z.string().optional(), details: z.array(detail).default([]) }),
});

type Failure = { reason?: string; fields: string[] };

/** Reads an answer whose body was read. */
export function readFcmAnswer({ status, body = "" }: Answer, { confirmed }: Pick<Subscriber, "confirmed">): Read {
  const { reason, fields } = failureIn(body);
  if (status === 400 && reason === "INVALID_ARGUMENT" && fields.includes(TOKEN_FIELD)) {
    return { meaning: "gone", reason: `400 ${TOKEN_FIELD}` };
  }
  const read = lookUp(FCM_REASONS, status, reason) ??
    { meaning: STATUSES[status] ?? meaningOf(status), reason: `${status}` };
  // A token belongs to one project for good. One that was served before tells that the project is another one now,
  // which may be a mistake, and must not cost anybody a subscription.
  return read.reason === "403 SENDER_ID_MISMATCH" && confirmed ? { ...read, meaning: "held" } : read;
}

/** The code of FCM goes before that of Google's frame, which is coarser. */
function failureIn(body: string): Failure {
  try {
    const { status, details } = errorBody.parse(JSON.parse(body)).error;
    const code = details.find((detail) => detail["@type"] === FCM_ERROR)?.errorCode;
    const violations = details.filter((detail) => detail["@type"] === BAD_REQUEST).flatMap((detail) =>
      detail.fieldViolations
    );
    return { reason: code ?? status, fields: violations.map(({ field }) => field) };
  } catch {
    return { fields: [] };
  }
}
