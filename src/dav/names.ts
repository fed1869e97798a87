/** Names of XML as DAV writes them, in Clark's notation: `{namespace}local`. */
import { PUSH_NAMESPACE } from "../wire/push_register.ts";

export const clark = (uri: string, local: string) => `{${uri}}${local}`;

/** An element of that name with nothing inside, wherever it is put. */
export function printEmpty(name: string): string {
  const [, uri, local] = /^\{([^}]*)\}(.+)$/.exec(name)!;
  return `<T:${local} xmlns:T="${uri}"/>`;
}

export const RESOURCE_TYPE = "{DAV:}resourcetype";
export const PRINCIPAL = "{DAV:}current-user-principal";
export const SYNC_TOKEN = "{DAV:}sync-token";

const CALDAV = "{urn:ietf:params:xml:ns:caldav}", CARDDAV = "{urn:ietf:params:xml:ns:carddav}";

/** Where a principal's collections are (RFC 4791 6.2.1, RFC 6352 7.1.1). */
export const HOME_SETS = [`${CALDAV}calendar-home-set`, `${CARDDAV}addressbook-home-set`];

/** A server that has this pushes by itself. */
export const TRANSPORTS = clark(PUSH_NAMESPACE, "transports");

/** Types of resources that have members, and that clients show by their properties. */
export const CALENDAR = `${CALDAV}calendar`;
export const ADDRESS_BOOK = `${CARDDAV}addressbook`;
export const SCHEDULING = [`${CALDAV}schedule-inbox`, `${CALDAV}schedule-outbox`];
