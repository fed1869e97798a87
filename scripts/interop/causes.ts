/** Why something differs or fails at a server, as far as it was found out by hand: the page says it beside what it found. */

const CAUSES: Record<string, string> = {
  "Cyrus: POST to a collection": "Cyrus sends `CTag` in a trailer. Carillon drops trailers, as RFC 9110 6.5.1 allows.",
  "Cyrus: PROPFIND without a password":
    "Cyrus leaves out the realm on a connection where somebody has logged in before, also without Carillon, which keeps " +
    "connections to it.",
  "DAViCal: REPORT sync-collection of changed calendar":
    "DAViCal makes a sync-token when one is asked for, and lists again what changed at its very moment. Carillon asks for " +
    "it after each write, so that the client's is a newer one. Asked for by hand it lists the same.",
  "php-sabre-dav: push": "This sabre/dav has no `sync-collection`, and no sync-token: its pushes say where to look.",
  "SOGo: push":
    "SOGo's tokens are seconds, and its PROPFIND says a later one than its REPORT. The new member is in the answer.",
};

/** Undefined where nobody knows yet. */
export function causeOf(server: string, what: string): string | undefined {
  const cause = CAUSES[`${server}: ${what}`];
  return cause && `Why: ${cause}`;
}
