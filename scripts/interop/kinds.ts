/** What a server and a client of the interop runs are. */

/** A server as a client sees it: its own origin, or Carillon's in front of it. */
export type Place = {
  origin: string;
  user: string;
  password: string;
  /** Where a client begins to look for its user. */
  root: string;
  /** The homes of the user's calendars and address books. */
  calendars: string;
  contacts: string;
  /** A collection for plain WebDAV. */
  files: string;
  /** It has no calendars and address books. */
  plain?: boolean;
};

/** The only user of each server, and her password. */
export const USER = { user: "alice", password: "alice" };

export type RunningServer = { place: Place } & AsyncDisposable;

export type ServerKind = {
  name: string;
  /** It has no calendars and address books. */
  plain?: boolean;
  /** Its version. Throws `Missing`, or why it cannot be had. */
  find: () => Promise<string>;
  /** Starts it on a free port of 127.0.0.1 with an empty folder of its own. */
  start: (folder: string) => Promise<RunningServer>;
};

/** One thing that a client did, and the lines that say how it went: what is compared. */
export type Step = { name: string; outcome: "passed" | "failed" | "skipped"; lines: string[] };

export type ClientKind = {
  name: string;
  /** It looks for calendars or address books, so that plain WebDAV says nothing about it. */
  needsCollections?: boolean;
  find: () => Promise<string>;
  run: (place: Place, folder: string) => Promise<Step[]>;
};

/** A program that this machine lacks; the message says how to get it. */
export class Missing extends Error {
  override name = "Missing";
}

export function printError(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : `${thrown}`;
}
