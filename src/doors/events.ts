/** `POST /-/events`: Security Event Tokens (RFC 8417), pushed per RFC 8935. */
import type { Handler } from "hono";
import { verifySecurityEvent } from "../access/security_events.ts";
import type { Issuer } from "../access/issuers.ts";
import type { Charge } from "../access/rates.ts";
import { CarillonError, type ErrorCode } from "../errors.ts";
import type { Broker } from "../broker/broker.ts";
import { checkType, readText } from "./body.ts";
import { headersOf } from "./problem.ts";

export const MAX_SET_BYTES = 48 * 1024;

type Deps = {
  issuers: Map<string, Issuer>;
  url: string;
  hubUrl: string;
  publish: Broker["publish"];
  charge: Charge;
  now: () => number;
};

/** 202 after the commit, also for a `jti` that was known. */
export function eventsDoor({ issuers, url, hubUrl, publish, charge, now }: Deps): Handler {
  return async (c) => {
    checkType(c, "application/secevent+jwt");
    try {
      const token = (await readText(c, MAX_SET_BYTES)).trim();
      const event = await verifySecurityEvent(token, issuers, { audience: url, hubUrl }, new Date(now()));
      charge(event.issuer.iss, event.changes.length);
      await publish({ changes: event.changes, jti: { iss: event.issuer.iss, jti: event.jti } });
      return c.body(null, 202);
    } catch (error) {
      if (error instanceof CarillonError && error.meaning.status === 400) throw new SetError(error);
      throw error;
    }
  };
}

/** Codes of RFC 8935 2.4 where ours has another name. */
const RFC_8935: Partial<Record<ErrorCode, string>> = {
  invalid_set: "invalid_request",
  bad_request: "invalid_request",
  bad_topic: "invalid_request",
};

/** An error that leaves in the form of RFC 8935 2.3. */
export class SetError extends CarillonError {
  constructor({ code, message, headers }: CarillonError) {
    super(code, message, headers);
  }

  toResponse(): Response {
    const body = { err: RFC_8935[this.code] ?? this.code, description: this.message };
    return Response.json(body, { status: 400, headers: { ...headersOf(this), "content-language": "en" } });
  }
}
