/** What an app puts on its writes, so that it is not told of them. */

/** Registrations that a server looks at. */
const MANY = 100;

/** `Push-Dont-Notify` (draft-bitfire-webdav-push), and `Push-Client-Id` (CC/CD 70025), percent-encoded. */
export function writeHeaders(clientId: string, locations: string[]): Record<string, string> {
  const named = [...new Set(locations)].slice(0, MANY).map((location) => `"${location}"`).join(", ");
  return { "Push-Client-Id": encodeURIComponent(clientId), ...(named && { "Push-Dont-Notify": named }) };
}
