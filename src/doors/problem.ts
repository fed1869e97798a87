/** How an error leaves: RFC 9457 problem JSON, where the protocol has no form of its own. */
import { STATUS_CODES } from "node:http";
import type { CarillonError } from "../errors.ts";

/** `code` and `advice` are extension members; the type is `about:blank`, so the title is the status's own. */
export function problem(error: CarillonError): Response {
  const { status, advice } = error.meaning;
  const body = {
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    detail: error.message,
    code: error.code,
    advice,
  };
  return Response.json(body, { status, headers: { ...headersOf(error), "content-type": "application/problem+json" } });
}

/** The error's own headers, and `Retry-After` where trying again helps. */
export function headersOf({ meaning, headers }: CarillonError): Record<string, string> {
  return meaning.retryAfter === undefined ? headers : { "retry-after": `${meaning.retryAfter}`, ...headers };
}
