/** The servers of the interop runs, in the order of the table. */
import type { ServerKind } from "./kinds.ts";
import { cyrus } from "./servers/cyrus.ts";
import { davical } from "./servers/davical.ts";
import { radicale } from "./servers/radicale.ts";
import { sabre, sabreOfDebian } from "./servers/sabre.ts";
import { sogo } from "./servers/sogo.ts";
import { wsgidav } from "./servers/wsgidav.ts";
import { xandikos } from "./servers/xandikos.ts";

export const SERVERS: ServerKind[] = [radicale, xandikos, wsgidav, sabre, sabreOfDebian, cyrus, davical, sogo];
