/** What a worker answered when it refused, in one line. */
import { type ErrorCode, ERRORS } from "../../src/errors.ts";
import { escapeHidden } from "./visible.ts";

const MAX_LENGTH = 500;

/** The problem's detail and advice (RFC 9457), the error and description of a SET (RFC 8935 2.3), or the bare status. */
export async function describeAnswer(response: Response): Promise<string> {
  const body = await response.text().catch(() => "");
  const text = describeBody(body) ?? (response.statusText || "no reason was given");
  return escapeHidden(`${response.status}: ${text}`.slice(0, MAX_LENGTH));
}

function describeBody(body: string): string | undefined {
  const { detail, advice, err, description } = parse(body);
  if (typeof detail === "string") return [`${detail}.`, advice].filter(Boolean).join(" ");
  if (typeof err !== "string") return undefined;
  return [`${err}: ${description ?? ""}.`, ERRORS[err as ErrorCode]?.advice].filter(Boolean).join(" ");
}

function parse(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** Why there was no answer: the last part of what fetch says, which holds neither token nor body. */
export function describeFailure(thrown: unknown, url: string): string {
  const reason = thrown instanceof Error ? thrown.message.replace(/^.*\): /s, "") : "";
  return `nothing answers at ${url}${reason && ` (${reason})`}`;
}
