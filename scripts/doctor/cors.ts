/** CORS: a page of this origin may ask, with credentials. */
import type { Deployment } from "./deployment.ts";
import { fail, ok, skip, type Verdict } from "./verdict.ts";

export async function checkCors({ origin, request }: Deployment): Promise<Verdict> {
  if (origin === undefined) return skip("no page's origin was named", "Give --origin https://app.example.com.");
  const asking = { origin, "access-control-request-method": "PUT", "access-control-request-headers": "authorization" };
  const { headers, body } = await request("/-/subscriptions", { method: "OPTIONS", headers: asking });
  await body?.cancel();
  const allowed = headers.get("access-control-allow-origin"),
    credentials = headers.get("access-control-allow-credentials");
  if (allowed === origin && credentials === "true") return ok(`pages of ${origin} may ask`);
  // Two fields are joined by a comma, which browsers refuse.
  if (allowed?.includes(",") || allowed === "*") {
    return fail(
      "something in front adds fields of CORS",
      "Remove the add_header Access-Control-… lines from the proxy.",
    );
  }
  return fail(`pages of ${origin} may not ask`, `Add ${origin} to CARILLON_ORIGINS, and start the worker anew.`);
}
