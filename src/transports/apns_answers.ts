/** What Apple's answers mean ("Handling notification responses from APNs", its tables of statuses and of reasons). */
import { z } from "zod";
import type { Answer } from "./connection.ts";
import { type Meaning, meaningOf } from "./meaning.ts";
import { lookUp, type Read } from "./vendor.ts";

/** Every row of the table. */
export const APNS_REASONS: Record<string, Meaning> = {
  "400 BadCollapseId": "rejected",
  "400 BadDeviceToken": "gone",
  "400 BadExpirationDate": "rejected",
  "400 BadMessageId": "rejected",
  "400 BadPriority": "rejected",
  "400 BadTopic": "refused",
  "400 DeviceTokenNotForTopic": "gone",
  "400 DuplicateHeaders": "rejected",
  "400 IdleTimeout": "later",
  "400 InvalidPushType": "rejected",
  "400 MissingDeviceToken": "rejected",
  "400 MissingTopic": "refused",
  "400 PayloadEmpty": "rejected",
  "400 TopicDisallowed": "refused",
  "403 BadCertificate": "refused",
  "403 BadCertificateEnvironment": "refused",
  "403 BadEnvironmentKeyIdInToken": "refused",
  "403 ExpiredProviderToken": "stale",
  "403 Forbidden": "refused",
  "403 InvalidProviderToken": "refused",
  "403 MissingProviderToken": "refused",
  "403 UnrelatedKeyIdInToken": "refused",
  "404 BadPath": "rejected",
  "405 MethodNotAllowed": "rejected",
  "410 ExpiredToken": "gone",
  "410 Unregistered": "gone",
  "413 PayloadTooLarge": "too_large",
  // Several processes that sign with one key, or one that restarts often: all of them have to wait.
  "429 TooManyProviderTokenUpdates": "refused",
  "429 TooManyRequests": "throttled",
  "500 InternalServerError": "failed",
  "503 ServiceUnavailable": "failed",
  "503 Shutdown": "failed",
};

/** By status alone these say enough: "The device token is no longer active for the topic", "payload was too large". */
const STATUSES: Partial<Record<number, Meaning>> = { 410: "gone", 413: "too_large" };

const errorBody = z.object({ reason: z.string() });

/** Reads an answer whose body was read. */
export function readApnsAnswer({ status, body = "" }: Answer): Read {
  return lookUp(APNS_REASONS, status, reasonIn(body)) ??
    { meaning: STATUSES[status] ?? meaningOf(status), reason: `${status}` };
}

function reasonIn(body: string): string | undefined {
  try {
    return errorBody.parse(JSON.parse(body)).reason;
  } catch {
    return undefined;
  }
}
