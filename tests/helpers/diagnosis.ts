/** The doctor inside the test's process. */
import { bearerOf } from "../../scripts/doctor/credential.ts";
import { type Deployment, deploymentOf, type Target } from "../../scripts/doctor/deployment.ts";
import { examine, type Finding } from "../../scripts/doctor/examine.ts";
import { accessToken, type TestWorker } from "./worker.ts";

export const TOPIC = "https://doctor.invalid/";

/** A deployment as the doctor sees it, of which only this is known. */
export function deploymentFor(target: { url: string } & Partial<Target>, asking: typeof fetch = fetch): Deployment {
  // Nothing takes long by this clock, however busy the machine is.
  const clocks = { now: Date.now, elapsed: () => performance.now() / 10 };
  const unknown = { ca: undefined, origin: undefined, credential: undefined, settings: undefined };
  return deploymentOf({ topic: TOPIC, ...unknown, ...clocks, ...target }, asking);
}

/** All that the doctor finds. Without a worker it has no token. */
export async function diagnose(
  { worker, ...target }: { url: string; worker?: TestWorker } & Partial<Target>,
): Promise<Finding[]> {
  const token = worker && await accessToken(worker, { publish: [TOPIC], subscribe: [TOPIC] });
  using client = Deno.createHttpClient({ caCerts: target.ca === undefined ? [] : [target.ca] });
  const asking: typeof fetch = (address, init) => fetch(address, { ...init, client });
  const credential = token === undefined ? undefined : bearerOf(token, TOPIC);
  return await Array.fromAsync(examine(deploymentFor({ credential, ...target }, asking)));
}

/** What one check found, in a line. */
export function said(findings: Finding[], check: string): string {
  const { status, measured, advice = "" } = findings.find((finding) => finding.check === check) ??
    { status: "none", measured: "" };
  return [status, measured, advice].join(" | ");
}

/** The checks that did not go well. */
export function unwell(findings: Finding[]): string[] {
  return findings.filter(({ status }) => ["warn", "fail"].includes(status)).map(({ check }) => check);
}
