/** What two runs of a client have in common, line by line, and the values that differ in each by nature. */
import type { Place, Step } from "./kinds.ts";

/** Steps that went otherwise, and the lines of each side that the other lacks. */
export type Difference = { step: string; direct: string[]; through: string[] };

/** Values that a server makes anew in each run, and the word that stands for each; quotes and weakness of etags stay. */
const MADE: [word: string, pattern: RegExp][] = [
  [
    "ETAG",
    /(?<=etag[^>]*>\s*(?:W\/)?(?:"|&quot;)?)(?!W\/)[^\s"&<]+|(?<=^(?:etag|schedule-tag|ctag): (?:W\/)?"?)(?!W\/)[^"]+/gim,
  ],
  ["TOKEN", /(?<=<(?:[\w-]+:)?(?:sync-token|getctag)[^>]*>)[^<]+|(?<=opaquelocktoken:|urn:uuid:)[\w-]+/gi],
  ["UUID", /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi],
  [
    "DATE",
    /\w{3}, \d\d[ -]\w{3}[ -]\d{4} \d\d:\d\d:\d\d (?:GMT|UTC|\+0000)|(?<=(?:DTSTAMP|LAST-MODIFIED|CREATED|REV)[^:\s]*:|creationdate>)\d{8}T\d{6}Z?/g,
  ],
  ["DATE", /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?/g],
  // Cyrus: of its calendars, its members, its settings, and where it listens.
  ["UID", /[0-9a-f]{8}-\w{24}-\d{10}|(?<=\/)\w{24}(?=\.ics)/g],
  ["TOKEN", /(?<=rel="server-info"; token=")\w+/g],
  ["PORT", /(?<=Server at )\S+ Port \d+|(?<=Alt-Svc: h2c=":)\d+/g],
  ["BYTES", /(?<=quota-(?:used|available)-bytes>)\d+/g],
  // The class that Carillon adds to a server's own, on purpose.
  ["", /, *webdav-push\b/g],
];

/** Answers what replaces all that differs by nature. */
export function createNormaliser({ origin }: Pick<Place, "origin">): (text: string) => string {
  const { host } = new URL(origin);
  return (text) => MADE.reduce((text, [word, pattern]) => text.replace(pattern, word), text.replaceAll(host, "HOST"));
}

export function compare(direct: Step[], through: Step[]): Difference[] {
  const names = new Set([...direct, ...through].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [one, other] = [direct, through].map((steps) => linesOf(steps.find((step) => step.name === name)));
    const difference = { step: name, direct: without(one!, other!), through: without(other!, one!) };
    return difference.direct.length + difference.through.length === 0 ? [] : [difference];
  });
}

function linesOf(step: Step | undefined): string[] {
  return step ? [step.outcome, ...step.lines] : ["not run"];
}

/** The lines of one that the other lacks, counted: two of the same are not one. */
function without(lines: string[], other: string[]): string[] {
  const left = [...other];
  return lines.filter((line) => {
    const place = left.indexOf(line);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
}
