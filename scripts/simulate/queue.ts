/** The DAV server's queue: what it cannot answer in a second waits for the next. */

/** Milliseconds that a request of each second waits. `capacity` is requests a second. */
export function waitsOf(requests: Uint32Array, capacity: number): Uint32Array {
  let backlog = 0;
  return requests.map((arrived) => {
    backlog = Math.max(0, backlog + arrived - capacity);
    return 1000 * backlog / capacity;
  });
}
