/** The documented forms of an error, one for each protocol. */
import { type ErrorCode, ERRORS } from "../../src/errors.ts";
import { equal, ok } from "./assert.ts";

/** RFC 8935 2.4, and the registry that it made. */
const SET_ERRORS = [
  "invalid_request",
  "invalid_key",
  "invalid_issuer",
  "invalid_audience",
  "authentication_failed",
  "access_denied",
];

/** `code` is ours, `err` of RFC 8935, or `invalid-topics` of CC/CD 70025. */
export type Refusal = { status: number; code: string; text: string; headers: Headers };

type Answer = { status: number; headers: Headers; text: string };

/** Reads the answer to a request that was refused, and checks that it has its protocol's form. */
export function readRefusal({ status, headers, text }: Answer): Refusal {
  const type = headers.get("content-type");
  const body = JSON.parse(text) as Record<string, unknown>;
  const code = type === "application/problem+json"
    ? checkProblem(status, headers, body)
    : "err" in body
    ? checkSetError(status, headers, body)
    : checkInvalidTopics(status, body);
  return { status, code, text, headers };
}

/** RFC 9457, with `code` and `advice` of ours. */
function checkProblem(status: number, headers: Headers, body: Record<string, unknown>): string {
  equal(Object.keys(body).sort(), ["advice", "code", "detail", "status", "title", "type"]);
  const meaning: { status: number; advice: string; retryAfter?: number } = ERRORS[body.code as ErrorCode];
  equal([body.type, body.status, body.advice, status], ["about:blank", status, meaning.advice, meaning.status]);
  ok(typeof body.title === "string" && typeof body.detail === "string" && body.detail !== "");
  equal(headers.get("retry-after"), meaning.retryAfter === undefined ? null : `${meaning.retryAfter}`);
  if (status === 401) ok(headers.get("www-authenticate")?.startsWith("Bearer"));
  if (status === 405) ok(headers.get("allow"));
  return body.code as string;
}

function checkSetError(status: number, headers: Headers, body: Record<string, unknown>): string {
  equal([status, Object.keys(body).sort().join()], [400, "description,err"]);
  equal([headers.get("content-type"), headers.get("content-language")], ["application/json", "en"]);
  ok(SET_ERRORS.includes(body.err as string), `${body.err}`);
  return body.err as string;
}

function checkInvalidTopics(status: number, body: Record<string, unknown>): string {
  const topics = (body.error as Record<string, unknown>)["invalid-topics"] as string[];
  equal([status, Object.keys(body), topics.length > 0], [403, ["error"], true]);
  return "invalid-topics";
}
