/** `Authorization: vapid t=…, k=…` (RFC 8292 3), as a push service reads it. */

const SCHEME = /^vapid +(.*)$/i;
const PARAMETER = /^([a-z]+) *= *(?:"([^"]*)"|([^\s",;]*))$/i;

/** The token, and the key as base64url without padding. Undefined for what is no such field. */
export function readVapid(authorization: string): { t: string; k: string } | undefined {
  const [, text] = SCHEME.exec(authorization.trim()) ?? [];
  if (text === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const part of text.split(",")) {
    const [, name, quoted, bare] = PARAMETER.exec(part.trim()) ?? [];
    if (name === undefined || parameters.has(name.toLowerCase())) return undefined;
    parameters.set(name.toLowerCase(), quoted ?? bare!);
  }
  const t = parameters.get("t"), k = parameters.get("k")?.replace(/=+$/, "");
  return t && k ? { t, k } : undefined;
}
