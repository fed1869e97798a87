/** Who brings the admin token is the operator. */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { hashAdminToken } from "../store/keys.ts";

/** The hash of the admin token, from the settings or the database; undefined while there is none. */
export type AdminHash = () => Promise<string | undefined>;

export function isAdminToken(token: string, adminHash: string | undefined): boolean {
  return adminHash !== undefined && equal(hashAdminToken(token), adminHash);
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
