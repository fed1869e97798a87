/** The clients of the interop runs, in the order of the table. */
import { pythonCaldav } from "./clients/caldav.ts";
import { curl } from "./clients/curl.ts";
import { litmus } from "./clients/litmus.ts";
import { tsdav } from "./clients/tsdav.ts";
import { vdirsyncer } from "./clients/vdirsyncer.ts";
import type { ClientKind } from "./kinds.ts";

export const CLIENTS: ClientKind[] = [pythonCaldav, vdirsyncer, tsdav, curl, litmus];
