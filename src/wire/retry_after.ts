/** `Retry-After` (RFC 9110 10.2.3): seconds, or an HTTP date in any of its three forms (RFC 9110 5.6.7). */

/** Milliseconds. No push service keeps a message for longer than 28 days. */
const LONGEST = 28 * 86_400_000;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)`;

const DATES = [
  String.raw`${DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT`,
  String.raw`(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT`,
  String.raw`${DAY} ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/** Milliseconds to wait, 0 to 28 days. Undefined where the field says neither. */
export function parseRetryAfter(field: string, now: number): number | undefined {
  const text = field.trim();
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : (parseDate(text, now) ?? NaN) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST);
}

function parseDate(text: string, now: number): number | undefined {
  const parts = DATES.map((form) => form.exec(text)?.groups).find(Boolean);
  if (!parts) return undefined;
  const { year, month, day, hour, minute, second } = parts as Record<string, string>;
  const midnight = new Date(Date.UTC(fullYear(year!, now), MONTHS.indexOf(month!), Number(day)));
  // The 31st of February would be one of March.
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  return midnight.getTime() + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
}

/** RFC 9110 5.6.7: two digits that look more than 50 years ahead mean the past. */
function fullYear(year: string, now: number): number {
  if (year.length === 4) return Number(year);
  const thisYear = new Date(now).getUTCFullYear();
  const full = thisYear - thisYear % 100 + Number(year);
  return full > thisYear + 50 ? full - 100 : full;
}
