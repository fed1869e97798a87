/** Why the worker refused, from its own answer; and whether it was the worker that answered. */
import { type ErrorCode, ERRORS } from "../../src/errors.ts";
import { shorten } from "../lib/visible.ts";
import { fail, type Verdict } from "./verdict.ts";

/** `code` is undefined where somebody else answered: a proxy, or another server. */
export type Refusal = { status: number; code?: string; detail: string; advice: string };

const MAX_LENGTH = 300;

const ELSE = "This is not Carillon's answer: look for what stands between, and lead this address to the worker.";

/** Reads a problem (RFC 9457), or the error of a SET (RFC 8935 2.3). */
export async function readRefusal(response: Response): Promise<Refusal> {
  const { status } = response, said = parse(await response.text());
  const code = text(said["code"]) || text(said["err"]), detail = text(said["detail"]) || text(said["description"]);
  if (!code) return { status, detail: `${status} of another server`, advice: ELSE };
  const advice = text(said["advice"]) || (ERRORS[code as ErrorCode]?.advice ?? "Look at the worker's log.");
  return {
    status,
    code,
    detail: shorten(`${status} ${code}: ${detail}`, MAX_LENGTH),
    advice: shorten(advice, MAX_LENGTH),
  };
}

const text = (value: unknown) => typeof value === "string" ? value : "";

/** An answer that refuses, as a verdict; a clock that differs shows itself as a token that is too old or too new. */
export async function refused(what: string, response: Response): Promise<Verdict> {
  const { detail, advice } = await readRefusal(response);
  return fail(`${what} was refused: ${detail}`, isOfClock(detail) ? CLOCK : advice);
}

export const CLOCK = "Set the clocks of both machines by NTP (timedatectl set-ntp true), and try again.";

const isOfClock = (detail: string) => /\b(expired|exp|iat|nbf)\b/.test(detail);

function parse(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}
