/** How an error leaves: RFC 9457 problem JSON, where the protocol has no form of its own. */
import { STATUS_CODES } from "node:http";
import type { CarillonError } from "../errors.ts";

export type Problem = { status: number; headers: Record<string, string>; body: string };

export function problem(error: CarillonError): Response {
  const { body, ...init } = problemOf(error);
  return new Response(body, init);
}

/** `code` and `advice` are extension members; the type is `about:blank`, so the title is the status's own. */
export function problemOf(error: CarillonError): Problem {
  const { status, advice } = error.meaning, { message: detail, code } = error;
  const body = JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail, code, advice });
  return { status, headers: { ...headersOf(error), "content-type": "application/problem+json" }, body };
}

/** The error's own headers, and `Retry-After` where trying again helps. */
export function headersOf({ meaning, headers }: CarillonError): Record<string, string> {
  return meaning.retryAfter === undefined ? headers : { "retry-after": `${meaning.retryAfter}`, ...headers };
}
