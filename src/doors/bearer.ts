/** The bearer of a request: what its token, if it has one, was found to say. */
import type { Context } from "hono";
import type { TokenVerifier } from "../access/access_tokens.ts";
import { readToken } from "../access/credentials.ts";
import { CarillonError } from "../errors.ts";
import type { Bearer } from "../model/grant.ts";

/** `cookies`: whether a token may come as one. */
export type BearerDeps = { verify: TokenVerifier; origins: Set<string>; cookies: boolean };

/** Undefined when the request brings no token. Throws what the token is refused for. */
export async function findBearer(c: Context, { verify, ...from }: BearerDeps): Promise<Bearer | undefined> {
  const token = readToken(c, from);
  return token === undefined ? undefined : await verify(token);
}

/** Throws `missing_token` with a bare challenge (RFC 6750 3.1). */
export async function requireBearer(c: Context, deps: BearerDeps): Promise<Bearer> {
  const bearer = await findBearer(c, deps);
  if (!bearer) throw missingToken();
  return bearer;
}

export function missingToken(): CarillonError {
  return new CarillonError("missing_token", "the request was refused: it brings no token", {
    "www-authenticate": "Bearer",
  });
}

export function insufficientScope(message: string): CarillonError {
  return new CarillonError("insufficient_scope", message, { "www-authenticate": 'Bearer error="insufficient_scope"' });
}
