/** A change: what happened to a collection, in one model for every door. */

/** How deep below the collection the change lies, in WebDAV's words. */
export type Depth = "0" | "1" | "infinity";

/** Content changed: members were added, changed or removed. */
export type ContentUpdate = { depth: Depth; syncToken?: string; except: string[] };

/** Properties changed; `props` are Clark names such as `{DAV:}displayname`, empty when they are not known. */
export type PropertyUpdate = { depth: Depth; props: string[]; except: string[] };

export type Change = {
  /** The canonical topic first, then its alternates. */
  topics: string[];
  /** Only for readers with a grant. Only a Mercure publisher can publish openly. */
  private: boolean;
  /** 0 to 100, CC/CD 70025; 50 where nothing was said. */
  priority: number;
  /** Milliseconds since 1970: the newest change that this one stands for. */
  timestamp: number;
  /** An id of the publisher's own (Mercure); else the journal gives one. */
  id?: string;
  /** The event stream's `event:` and `retry:` (Mercure). */
  type?: string;
  retry?: number;
  data?: string;
  content?: ContentUpdate;
  property?: PropertyUpdate;
};

export const DEFAULT_PRIORITY = 50;

/** One event at most, encoded as the journal holds it: a batch of one must fit a KV value of 64 KiB. */
export const MAX_EVENT_BYTES = 48 * 1024;

/** CC/CD 70025 sets no limit; 500 fill a Security Event Token of 48 KiB. */
export const MAX_CHANGES = 500;
