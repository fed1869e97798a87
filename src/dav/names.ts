/** Names of XML as DAV writes them, in Clark's notation: `{namespace}local`. */
export const clark = (uri: string, local: string) => `{${uri}}${local}`;

export const RESOURCE_TYPE = "{DAV:}resourcetype";
export const PRINCIPAL = "{DAV:}current-user-principal";
export const SYNC_TOKEN = "{DAV:}sync-token";

const CALDAV = "{urn:ietf:params:xml:ns:caldav}", CARDDAV = "{urn:ietf:params:xml:ns:carddav}";

/** Types of resources whose members clients want to be told of. */
export const COLLECTIONS = new Set([
  `${CALDAV}calendar`,
  `${CALDAV}schedule-inbox`,
  `${CALDAV}schedule-outbox`,
  `${CARDDAV}addressbook`,
]);
