/** Names of XML as DAV writes them, in Clark's notation: `{namespace}local`. */
export const clark = (uri: string, local: string) => `{${uri}}${local}`;

export const RESOURCE_TYPE = "{DAV:}resourcetype";
export const PRINCIPAL = "{DAV:}current-user-principal";
