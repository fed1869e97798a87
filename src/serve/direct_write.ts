/**
 * Writes past Node's streams: the system's `send` on a copy of a socket's own descriptor, called through FFI. Node's way
 * to the same call costs as much again as the kernel does, for each of thousands of streams.
 */
import type { Socket } from "node:net";

/** The same on every architecture that Deno runs on. */
const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000;

/** Of the descriptors that the process may have, so that copies never use up what connections need. */
const SHARE = 1 / 4;

const SYMBOLS = {
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** Copies are descriptors of our own: nobody else can close one, or be given its number, before `close`. */
export type DirectWrites = {
  /** A copy of the socket's descriptor; -1 when there is none to be had. */
  copy: (socket: Socket) => number;
  /** Answers how many bytes the kernel took at once; -1 for none, or when the connection is broken. */
  send: (copy: number, bytes: Uint8Array<ArrayBuffer>) => number;
  close: (copy: number) => void;
};

/** What Deno's sockets have, to hand them to another process. */
type Handle = { fdForIpc?: () => number };

/** `undefined` where there is no Linux, no GNU libc, or no right to call it. */
export function openDirectWrites(): DirectWrites | undefined {
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  const libc = load();
  return libc && directWrites(libc);
}

function load() {
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return undefined;
  }
}

function directWrites(libc: NonNullable<ReturnType<typeof load>>): DirectWrites {
  let left = Math.floor(maxOpenFiles() * SHARE);

  function copy(socket: Socket): number {
    if (left === 0) return -1;
    const copied = (socket as { _handle?: Handle | null })._handle?.fdForIpc?.() ?? -1;
    if (copied >= 0) left--;
    return copied;
  }

  function close(copied: number): void {
    if (copied < 0) return;
    libc.close(copied);
    left++;
  }

  return {
    copy,
    send: (copied, bytes) => libc.send(copied, bytes, bytes.byteLength, MSG_DONTWAIT | MSG_NOSIGNAL),
    close,
  };
}

/** The soft limit, to which Deno does not add; 0 where nobody says. */
function maxOpenFiles(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
}
