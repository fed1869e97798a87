/**
 * Writes past Node's streams: the system's `send` on a copy of a socket's own descriptor, called through FFI. Node's way
 * to the same call costs as much again as the kernel does, for each of thousands of streams.
 */
import type { Socket } from "node:net";

/** The same on every architecture that Deno runs on. */
const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000;

/** Streams have copies while they are no more than this share of the descriptors that the process may have. */
const SHARE = 1 / 4;

const SYMBOLS = {
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** A descriptor of our own: nobody else can close it, or be given its number, before `close`. -1: there is none. */
export type Copy = { fd: number };

export type DirectWrites = {
  /** Of a stream's connection; must be closed once, with or without a descriptor. */
  copy: (socket: Socket) => Copy;
  /** Answers how many bytes the kernel took at once; -1 for none, without a descriptor, or when the connection is broken. */
  send: (copy: Copy, bytes: Uint8Array<ArrayBuffer>) => number;
  close: (copy: Copy) => void;
};

/** What Deno's sockets have, to hand them to another process. */
type Handle = { fdForIpc?: () => number };

/** `undefined` where there is no Linux, no GNU libc, or no right to call it. `maxFiles`: descriptors that there may be. */
export function openDirectWrites(maxFiles = maxOpenFiles()): DirectWrites | undefined {
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  const libc = load();
  return libc && directWrites(libc, Math.floor(maxFiles * SHARE));
}

function load() {
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return undefined;
  }
}

function directWrites(libc: NonNullable<ReturnType<typeof load>>, most: number): DirectWrites {
  const open = new Set<Copy>();
  let streams = 0;

  /** With too many streams all copies go: connections need the descriptors. */
  function copy(socket: Socket): Copy {
    const copied = { fd: -1 };
    if (++streams > most) open.forEach(end);
    else copied.fd = (socket as { _handle?: Handle | null })._handle?.fdForIpc?.() ?? -1;
    if (copied.fd >= 0) open.add(copied);
    return copied;
  }

  function end(copied: Copy): void {
    if (!open.delete(copied)) return;
    libc.close(copied.fd);
    copied.fd = -1;
  }

  return {
    copy,
    send: ({ fd }, bytes) => fd < 0 ? -1 : libc.send(fd, bytes, bytes.byteLength, MSG_DONTWAIT | MSG_NOSIGNAL),
    close(copied) {
      streams--;
      end(copied);
    },
  };
}

/** The soft limit of this process; 0 where nobody says. */
function maxOpenFiles(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
