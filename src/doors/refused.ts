/** Every error on its way out is counted and logged here, by its code, its detail and the path alone: the rest can hold anything. */
import type { Logger } from "@logtape/logtape";
import { asCarillonError, type CarillonError, causeOf } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { Trouble } from "../console/trouble.ts";
import { PUSH } from "./push_service.ts";

/** Characters of a path that are logged. */
const MAX_PATH = 100;

/** Answers what the caller is told. */
export type Refused = (thrown: unknown, path?: string) => CarillonError;

export function createRefused(
  { metrics, log, trouble }: { metrics: Metrics; log: Logger; trouble: Trouble },
): Refused {
  return (thrown, asked) => {
    const path = asked === undefined ? undefined : loggedPath(asked);
    const error = asCarillonError(thrown), { code, message: detail, meaning } = error;
    metrics.refused.inc({ code });
    trouble.refused(error, path);
    log[meaning.level]("{code}: {detail}", {
      detail,
      ...(path !== undefined && { path }),
      ...causeOf(thrown),
    });
    return error;
  };
}

/** Addresses of the push service are secrets, also where somebody put a slash too many before them. */
export function loggedPath(path: string): string {
  return path.toLowerCase().includes(`${PUSH}/`) ? `${PUSH}/…` : path.slice(0, MAX_PATH);
}
