/** The doctor inside the test's process. */
import { bearerOf } from "../../scripts/doctor/credential.ts";
import { deploymentOf, type Target } from "../../scripts/doctor/deployment.ts";
import { examine, type Finding } from "../../scripts/doctor/examine.ts";
import { accessToken, type TestWorker } from "./worker.ts";

export const TOPIC = "https://doctor.invalid/";

/** All that the doctor finds. Without a worker it has no token. */
export async function diagnose(
  { worker, ...target }: { url: string; worker?: TestWorker } & Partial<Target>,
): Promise<Finding[]> {
  const credential = worker && bearerOf(await accessToken(worker, { publish: [TOPIC], subscribe: [TOPIC] }), TOPIC);
  // Nothing takes long by this clock, however busy the machine is.
  const clocks = { now: Date.now, elapsed: () => performance.now() / 10 };
  const about = {
    topic: TOPIC,
    ca: undefined,
    origin: undefined,
    credential,
    settings: undefined,
    ...clocks,
    ...target,
  };
  using client = Deno.createHttpClient({ caCerts: about.ca === undefined ? [] : [about.ca] });
  return await Array.fromAsync(examine(deploymentOf(about, (address, init) => fetch(address, { ...init, client }))));
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
