/** Matchers: which topics somebody speaks for, or listens to. */
import { CarillonError } from "../errors.ts";
import { anchorOf, anchorsOf } from "./anchor.ts";
import { hasHiddenCharacters, MAX_TOPIC_LENGTH } from "./topic.ts";

export const MATCH_TYPES = ["exact", "urlpattern"] as const;

export type MatchType = (typeof MATCH_TYPES)[number];

/** A matcher as it is written in a grant, a query or an issuer's entry. */
export type MatcherText = { match: string; type: MatchType };

/** `near` is of a pattern that matches nothing but what has its `anchor` among its anchors. */
export type Matcher = MatcherText & {
  matches: (topic: string) => boolean;
  near?: { anchor: string; anchorsOf: (topic: string) => string[] };
};

/** One request may name so many matchers, and so many of them may be patterns. */
export const MAX_MATCHERS = 100;
export const MAX_PATTERNS = 10;

export const MAX_PATTERN_LENGTH = 512;

/** Native URLPattern backtracks: two repeats on 1,024 characters are 500,000 steps, three are 180 million. */
export const MAX_REPEATS = 2;

const COMPONENTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"] as const;

/** Compiles a matcher. `*` matches every topic; patterns and topics resolve against the hub. Throws `bad_matcher`. */
export function compileMatcher({ match, type }: MatcherText, hubUrl: string): Matcher {
  if (hasHiddenCharacters(match)) throw badMatcher("it holds control characters", match);
  if (match === "*") return { match, type: "exact", matches: () => true };
  if (type === "exact") return exact(match);
  const pattern = compilePattern(match, hubUrl);
  const anchor = anchorOf(pattern),
    near = anchor === undefined ? {} : { near: { anchor, anchorsOf: anchorsIn(hubUrl) } };
  return { match, type, matches: (topic) => test(pattern, topic, hubUrl), ...near };
}

const anchorsIn = (hubUrl: string) => (topic: string) => anchorsOf(topic, hubUrl);

/** Reads the short form of issuers' entries and commands: text with `*`, `{` or `(` is a URLPattern, all else exact. */
export function matcherText(match: string): MatcherText {
  return { match, type: match !== "*" && /[*{(]/.test(match) ? "urlpattern" : "exact" };
}

function exact(match: string): Matcher {
  if (match === "" || match.length > MAX_TOPIC_LENGTH) throw badMatcher("its length", match);
  return { match, type: "exact", matches: (topic) => topic === match };
}

function compilePattern(match: string, hubUrl: string): URLPattern {
  if (match.length > MAX_PATTERN_LENGTH) throw badMatcher(`more than ${MAX_PATTERN_LENGTH} characters`, match);
  const pattern = parse(match, hubUrl);
  const dear = COMPONENTS.find((name) => repeats(pattern[name], name) > MAX_REPEATS);
  if (dear) throw badMatcher(`more than ${MAX_REPEATS} repeats in its ${dear}`, match);
  return pattern;
}

function parse(match: string, hubUrl: string): URLPattern {
  // With a base the path of an opaque URI such as mailto:* would become one of the base's.
  const pattern = tryParse(match) ?? tryParse(match, hubUrl);
  if (!pattern) throw badMatcher("it does not compile", match);
  return pattern;
}

function tryParse(match: string, base?: string): URLPattern | undefined {
  try {
    return base === undefined ? new URLPattern(match) : new URLPattern(match, base);
  } catch {
    return undefined;
  }
}

const NAME = /:[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu;

/**
 * Counts what lets the regular expression behind a component try again. A loop around a group is too many, but for
 * `/:name+`, whose segments cannot be cut in two ways; so is a choice or a group within a custom group that repeats.
 */
function repeats(component: string, name: (typeof COMPONENTS)[number]): number {
  if (component === "*") return 1;
  const text = component.replace(/\\.|=/gu, "x").replace(NAME, ":");
  const custom = [...text.matchAll(/\(([^)]*)\)/g)].map(([, inner]) => inner!);
  if (custom.some((inner) => /[(|]/.test(inner))) return Infinity;
  const groups = text.replace(/\([^)]*\)/g, ")").replace(/:\)/g, ")");
  const segmented = name === "pathname"
    ? groups.replace(/\/:([*+?]?)(?=(?:\}[*+?]?)?(?:\/|\{\/|$))/g, segment)
    : groups;
  if (/[:)}*][*+]/.test(segmented)) return Infinity;
  const quantifiers = custom.join("").match(/[*+?]|\{\d+,?\d*\}/g)?.length ?? 0;
  const optional = segmented.match(/\?/g)?.length ?? 0;
  return quantifiers + (segmented.match(/[*:=]/g)?.length ?? 0) + Math.max(0, optional - 3);
}

/** `/:name` alone cannot be cut in two ways; `/:name+` is a repeat as a star is. */
function segment(_: string, modifier: string): string {
  return modifier === "" || modifier === "?" ? `/${modifier}` : "/=";
}

function test(pattern: URLPattern, topic: string, hubUrl: string): boolean {
  if (topic.length > MAX_TOPIC_LENGTH) return false;
  try {
    return pattern.test(topic, hubUrl);
  } catch {
    return false;
  }
}

function badMatcher(why: string, match: string): CarillonError {
  return new CarillonError("bad_matcher", `a matcher was refused, ${why}: ${JSON.stringify(match.slice(0, 100))}`);
}
