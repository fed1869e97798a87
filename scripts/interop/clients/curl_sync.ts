/** The curl client's `sync-collection` (RFC 6578), of a calendar and of an address book. */
import { type Ask, type EVENT, XML } from "./curl_day.ts";
import * as documents from "./documents.ts";

/** From nothing to all, then what changed since, then with a token that nobody gave. */
export async function synchronise(
  path: string,
  item: string,
  body: string,
  type: typeof EVENT,
  ask: Ask,
): Promise<void> {
  const kind = item.endsWith(".ics") ? "calendar" : "contacts";
  const report = (token: string) => ({
    method: "REPORT",
    path,
    headers: { ...XML, depth: "0" },
    body: documents.syncCollection(token),
    expect: [207],
  });
  // Tokens of some servers are seconds: what was written in this one would come again.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const { body: first } = await ask(`REPORT sync-collection of ${kind}`, report(""));
  const token = /<(?:\w+:)?sync-token[^>]*>([^<]+)/.exec(first)?.[1] ?? "";
  await ask(`PUT change of ${kind}`, {
    method: "PUT",
    path: path + item,
    headers: type,
    body,
    expect: [200, 201, 204],
  });
  await ask(`REPORT sync-collection of changed ${kind}`, report(token));
  await ask(`REPORT sync-collection of ${kind} by a false token`, {
    ...report("data:,false"),
    expect: [400, 403, 409, 412],
  });
}
