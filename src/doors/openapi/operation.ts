/** One method of one address, as the document describes it, and the answers that all of them have in common. */
import { type RouteConfig, z } from "@hono/zod-openapi";
import { type ErrorCode, ERRORS } from "../../errors.ts";

type Response = Exclude<RouteConfig["responses"][string], { $ref: string }>;

/** `codes` are those that the door can refuse with, besides `internal`; `answers` is everything else, by status. */
export type Operation = Omit<RouteConfig, "method" | "responses"> & {
  /** OpenAPI 3.1 has no place for QUERY (RFC 10008): it is described as `x-query`. */
  method: "get" | "post" | "put" | "delete" | "query";
  summary: string;
  tags: [string];
  codes: ErrorCode[];
  answers: Record<number, Response>;
};

/** What brings an access token. */
export const BEARER: Record<string, string[]>[] = [{ bearer: [] }, { cookie: [] }];

/** What reading a token is refused for; of the header's form `bad_request`. */
export const TOKEN_CODES: ErrorCode[] = [
  "bad_request",
  "token_in_url",
  "missing_token",
  "invalid_token",
  "insufficient_scope",
  "origin_refused",
  "keys_unavailable",
];
export const BODY_CODES: ErrorCode[] = ["bad_request", "too_large", "wrong_type"];
export const STORE_CODES: ErrorCode[] = ["kv_failed", "kv_timeout"];
export const PUBLISH_CODES: ErrorCode[] = [
  "bad_topic",
  "too_large",
  "too_many_changes",
  "overloaded",
  "draining",
  ...STORE_CODES,
];

/** Every answer of an operation by its status: a status can be an answer and a problem, told apart by the type. */
export function responsesOf({ answers, codes }: Operation): RouteConfig["responses"] {
  const problems = Object.groupBy([...new Set<ErrorCode>([...codes, "internal"])], (code) => ERRORS[code].status);
  const responses: RouteConfig["responses"] = { ...answers };
  for (const [status, codes] of Object.entries(problems)) {
    const known = answers[Number(status)], problem = problemOf(Number(status), codes!);
    responses[status] = known ? { ...known, content: { ...known.content, ...problem.content } } : problem;
  }
  return responses;
}

function problemOf(status: number, codes: ErrorCode[]) {
  const hasRetryAfter = codes.every((code) => "retryAfter" in ERRORS[code]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].advice}`).join("\n"),
    headers: {
      ...(hasRetryAfter && { "Retry-After": RETRY_AFTER }),
      ...(status === 401 && { "WWW-Authenticate": CHALLENGE }),
    },
    content: { "application/problem+json": { schema: problemSchema(status, codes) } },
  };
}

/** A header that an answer always has. */
export const header = (description: string, more: { pattern?: string } = {}) => ({
  description,
  required: true,
  schema: { type: "string" as const, ...more },
});

const RETRY_AFTER = header("Seconds after which to try again (RFC 9110 10.2.3).", { pattern: "^[0-9]+$" });
const CHALLENGE = header("What is asked for (RFC 9110 11.6.1).");

/** RFC 9457 3.1, with our `code` and `advice`. */
function problemSchema(status: number, codes: ErrorCode[]) {
  return z.object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.literal(status),
    detail: z.string(),
    code: z.enum(codes),
    advice: z.string(),
  });
}
