/** Addresses that others write. */

/** Undefined for what is none. Node 20 has no `URL.parse`. */
export function parseUrl(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}

/** An absolute address of the same origin, which whoever advertises it must be able to write; undefined for any other. */
export function ownAddress(text: string | null | undefined, url: string): string | undefined {
  const address = /^https?:\/\//i.test(text ?? "") ? parseUrl(text!) : undefined;
  return address?.origin === new URL(url).origin && !address.username && !address.password ? address.href : undefined;
}
