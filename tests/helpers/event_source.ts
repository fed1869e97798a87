/** A reader of event streams for tests: collects events, waits for a condition with a deadline, never sleeps. */
export type ReceivedEvent = { id: string; type: string; data: string };

export type Reading = Awaited<ReturnType<typeof openStream>>;

/** Opens a stream; `query` is put behind the hub's address as it is, but that an id of ours is no fragment of it. */
export async function openStream(hub: string, query: string, token?: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(`${hub}?${query.replaceAll("#", "%23")}`, {
    headers: { ...authorization, ...headers },
    signal: abort.signal,
  });
  const events: ReceivedEvent[] = [];
  const state = { lastId: "", retry: 0, ended: false, text: "" };
  let changed = Promise.withResolvers<void>();
  // Deno 2.9.6 may forget the signal of a fetch that has answered: what ends it for sure is its reader.
  const reader = response.status === 200 ? response.body!.pipeThrough(new TextDecoderStream()).getReader() : undefined;
  const reading = reader ? read(reader).catch(() => {}) : response.body?.cancel();

  async function read(reader: ReadableStreamDefaultReader<string>): Promise<void> {
    let rest = "";
    for (
      let { done, value: text = "" } = await reader.read();
      !done;
      { done, value: text = "" } = await reader.read()
    ) {
      state.text += text;
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop()!;
      blocks.forEach(take);
      changed.resolve();
      changed = Promise.withResolvers();
    }
    state.ended = true;
    changed.resolve();
  }

  function take(block: string): void {
    const fields = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/s.exec(line)!.slice(1) as [string, string]);
    const one = (name: string) => fields.find(([key]) => key === name)?.[1];
    state.lastId = one("id") ?? state.lastId;
    state.retry = Number(one("retry") ?? state.retry);
    const data = fields.filter(([key]) => key === "data").map(([, value]) => value);
    if (data.length > 0) events.push({ id: state.lastId, type: one("event") ?? "message", data: data.join("\n") });
  }

  /** Resolves when the condition holds; throws at the deadline with what came so far. */
  async function until(condition: () => boolean, milliseconds = 10_000): Promise<void> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => timeout.reject(new Error(`not in time; ${events.length} events; text: ${state.text.slice(-500)}`)),
      milliseconds,
    );
    try {
      while (!condition()) await Promise.race([changed.promise, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function close(): Promise<void> {
    abort.abort();
    await reader?.cancel().catch(() => {});
    await reading;
  }

  const opened = response.status === 200 ? until(() => state.text !== "") : Promise.resolve();
  await opened;
  return { response, events, state, until, close, [Symbol.asyncDispose]: close };
}
