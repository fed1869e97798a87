/** A grammar in ABNF (RFC 5234, RFC 7405), read by a parser that was made for it. */
// @deno-types="./apg.d.ts"
import apg from "apg-js";

/** Of RFC 5234 B.1, which every grammar may use and none may define: its parser knows none. */
const CORE = `ALPHA  = %x41-5A / %x61-7A
DIGIT  = %x30-39
HEXDIG = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"
DQUOTE = %x22
SP     = %x20
HTAB   = %x09
`;

/** Throws for a grammar that is none, with each fault and its line. */
export function findAbnf(text: string) {
  const api = new apg.apgApi((text + CORE).replaceAll("\n", "\r\n"));
  api.generate();
  if (api.errors.length > 0) throw new Error(api.errors.map(({ line, msg }) => `line ${line}: ${msg}`).join("\n"));
  const grammar = api.toObject();

  /** Whether all of the text is one of that rule. */
  function takes(rule: string, text: string): boolean {
    return new apg.apgLib.parser().parse(grammar, rule, apg.apgLib.utils.stringToChars(text)).success;
  }

  return { takes };
}
