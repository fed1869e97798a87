/** What a stream writes to: a socket, behind either of the two servers. */
export type Sink = {
  write: (chunk: Uint8Array<ArrayBuffer>) => void;
  /** Ends the stream after what was written. */
  end: () => void;
  /** Drops the connection at once, with what waits for it. */
  destroy: () => void;
  /** Bytes that the reader has not taken yet. */
  readonly queued: number;
};

/** Opens a stream on a sink, and answers what to call when the reader has gone. */
export type OpenStream = (sink: Sink) => () => void;
