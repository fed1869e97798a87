/** The real worker: `main.ts` in a process of its own, on a file database. */
import { type LocalIssuer, readLocalIssuer } from "../../src/store/keys.ts";

export type MainProcess = Awaited<ReturnType<typeof startMain>>;

/** Starts it and waits until it says where it listens. `prefix` is put before the command (a shell with limits). */
export async function startMain(env: Record<string, string>, prefix: string[] = []) {
  const [program, ...args] = [...prefix, Deno.execPath(), "run", "-A", "main.ts"];
  const child = new Deno.Command(program!, {
    args,
    env: { HOST: "127.0.0.1", PORT: "0", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log = { out: "", err: "" };
  const listening = Promise.withResolvers<string>();
  const reading = Promise.all([collect(child.stdout, "out"), collect(child.stderr, "err")]);

  async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, name: "out" | "err"): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      log[name] += text;
      const [, url] = /Carillon listens on (\S+)\n/.exec(log.out) ?? [];
      if (url) listening.resolve(url);
    }
  }

  /** Ends it by its process id, and answers its exit status. */
  async function end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      child.kill(signal);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
    }
    await reading;
    return await child.status;
  }

  const url = await Promise.race([
    listening.promise,
    child.status.then(async ({ code }) => {
      await reading;
      throw new Error(`main.ts ended with ${code}: ${log.err}`);
    }),
  ]);
  return {
    url,
    pid: child.pid,
    log,
    end,
    status: child.status,
    hub: `${url}/.well-known/mercure`,
    [Symbol.asyncDispose]: async () => void await end("SIGKILL"),
  };
}

/** The local issuer of a database file, as the commands read it. */
export async function localIssuerOf(path: string): Promise<LocalIssuer> {
  const kv = await Deno.openKv(path);
  try {
    return await readLocalIssuer(kv, undefined);
  } finally {
    kv.close();
  }
}
