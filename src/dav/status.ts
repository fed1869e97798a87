/** What a `status` element of a multistatus says (RFC 4918 14.28). */
export function isOk(status: string): boolean {
  return /^HTTP\/\d(?:\.\d)? 2\d\d\b/.test(status);
}
