/** Ctrl-C, and a request to end. */

/** Aborts at the first of them; from now on they do not end the process by themselves. */
export function interruptSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopping.abort());
  return stopping.signal;
}
