/** What a check found. */

/** `skip`: it could not be looked at from here. */
export type Status = "ok" | "warn" | "fail" | "skip";

/** `measured` says what was seen, `advice` the one thing to do next; neither ever holds a token or a key. */
export type Verdict = { status: Status; measured: string; advice?: string };

export const ok = (measured: string): Verdict => ({ status: "ok", measured });
export const warn = (measured: string, advice: string): Verdict => ({ status: "warn", measured, advice });
export const fail = (measured: string, advice: string): Verdict => ({ status: "fail", measured, advice });
export const skip = (measured: string, advice: string): Verdict => ({ status: "skip", measured, advice });
