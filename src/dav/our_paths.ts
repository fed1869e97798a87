/** The paths that stand for us where a DAV server has the same origin. */
import { withoutOrigin } from "./paths.ts";
import { REGISTRATIONS } from "./register.ts";

/** Ours, and the hub's: itself, what is active there, and its metadata. */
const OURS = [
  /^\/-\//,
  /^\/\.well-known\/mercure(?:\/subscriptions)?(?:[?#]|$)/i,
  /^\/\.well-known\/mercure\/subscriptions\//i,
  /^\/\.well-known\/oauth-protected-resource\/\.well-known\/mercure(?:[?#]|$)/i,
];

/** Whether the target of a request is for one of our doors, but for those that are asked with the DAV server's credentials. */
export function isOurs(target: string): boolean {
  const path = withoutOrigin(target);
  return !isRegistration(path) && OURS.some((each) => each.test(path));
}

export function isRegistration(path: string): boolean {
  return path === REGISTRATIONS || path.startsWith(`${REGISTRATIONS}/`);
}
