/** How figures are said. */

const UNITS: [name: string, seconds: number][] = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];

const digits = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const someDigits = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** Small numbers with a place behind the point. */
export const count = (value: number) => (Math.abs(value) < 10 ? someDigits : digits).format(value);

/** When something is, as seen from `now`; both milliseconds since 1970. */
export function fromNow(at: number, now: number): string {
  const seconds = Math.round(Math.abs(at - now) / 1000);
  const [name, size] = UNITS.find(([, size]) => seconds >= size) ?? ["s", 1];
  if (seconds === 0) return "now";
  const span = `${Math.floor(seconds / size)} ${name}`;
  return at > now ? `in ${span}` : `${span} ago`;
}
