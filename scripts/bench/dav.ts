/** The DAV door: what a client feels of the gateway in front of its server, always next to the server alone. */
import { bodies } from "./dav_bodies.ts";
import { changes } from "./dav_changes.ts";
import { members } from "./dav_members.ts";
import { requestsOfNginx, requestsOfXandikos } from "./dav_requests.ts";
import { busyClients, HEADING } from "./dav_turns.ts";
import type { Report } from "./report.ts";

export async function dav({ quick }: { quick: boolean }): Promise<Report> {
  const parts = [];
  for (const measure of [requestsOfXandikos, requestsOfNginx, bodies, members, changes]) {
    parts.push(await measure(quick));
  }
  const rows = parts.flatMap((part) => part.rows);
  return {
    bench: "dav",
    table: [HEADING, ...rows],
    figures: Object.assign({}, ...parts.map((part) => part.figures)),
    marks: parts.flatMap((part) => part.marks),
    notes: [...parts.flatMap((part) => part.notes), ...busyClients(rows)],
  };
}
