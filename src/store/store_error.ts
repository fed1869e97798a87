/** Why the database cannot be used, and what to do: two lines for whoever starts a worker or a command. */
export class StoreError extends Error {
  constructor(what: string, advice: string) {
    super(`${what}\n${advice}`);
    this.name = "StoreError";
  }
}

/** What must exist once and cannot be read is never made anew: everybody out there knows the old one. */
export function unreadable(key: Deno.KvKey): StoreError {
  return new StoreError(
    `The database holds something that cannot be read: ${JSON.stringify(key)}`,
    "Restore it from a backup, or set CARILLON_KV to another one to begin anew. Nothing was changed.",
  );
}
