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

/** The path as it is compared: servers write one in several ways, with the last slash and without, encoded and not. */
export function pathOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname).replace(/\/?$/, "/");
  } catch {
    return pathname.replace(/\/?$/, "/");
  }
}

/** Whether an address is that of a direct member of a collection. */
export function isMember(text: string, url: string): boolean {
  const own = parseUrl(text), asked = new URL(url);
  if (own?.origin !== asked.origin || own.search || own.hash || own.username) return false;
  const path = pathOf(own), base = pathOf(asked);
  return path.startsWith(base) && /^[^/]+\/$/.test(path.slice(base.length));
}
