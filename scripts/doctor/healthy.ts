/** HTTP: it is a worker of Carillon that answers. */
import type { Deployment } from "./deployment.ts";
import { readRefusal } from "./refusal.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

export async function checkHealthy({ request, elapsed }: Deployment): Promise<Verdict> {
  const began = elapsed(), response = await request("/-/healthy");
  if (response.ok && await response.clone().text() === "healthy\n") {
    await response.body?.cancel();
    const took = Math.round(elapsed() - began);
    return ok(`Carillon ${await findVersion(request)} answers, in ${took} ms`);
  }
  const { detail } = await readRefusal(response);
  return fail(`/-/healthy answered ${detail}`, adviceOn(response.status));
}

/** Of whatever stands behind the proxy: what is no version is not printed. */
async function findVersion(request: Deployment["request"]): Promise<string> {
  const document = await (await request("/-/openapi.json")).json().catch(() => undefined);
  const version = document?.info?.version;
  return typeof version === "string" && /^[\w.+-]{1,40}$/.test(version) ? version : "of an unknown version";
}

function adviceOn(status: number): string {
  if (status >= 502 && status <= 504) {
    return "The proxy does not reach the worker: start it, and compare proxy_pass with its HOST and PORT.";
  }
  if (status >= 300 && status < 400) return "It redirects: give the origin that it leads to in --url and CARILLON_URL.";
  return "Another server answers: lead this host to the worker (proxy_pass), or correct --url.";
}
