/** An open loop: each request is sent when its time has come, whatever became of the ones before. */
import { type KeepAlive, openKeepAlive } from "./keep_alive.ts";

/** So many connections are opened ahead; more where answers are late. */
const CONNECTIONS = 8;

/** When each request was sent and answered, milliseconds of this process's clock. */
export type Sent = { sent: number[]; answered: number[] };

/** Sends them to the ports in turn. Throws when one is refused. */
export async function sendSteadily(ports: number[], requests: Uint8Array[], perSecond: number): Promise<Sent> {
  const sent: number[] = [], answered: number[] = [], posts: Promise<void>[] = [];
  const idle = await Promise.all(ports.map((port) => openSome(port)));
  const post = async (index: number, own: KeepAlive[]) => {
    const connection = own.shift() ?? await openKeepAlive(ports[index % ports.length]!);
    sent[index] = performance.now();
    await connection.send(requests[index]!);
    answered[index] = performance.now();
    own.push(connection);
  };
  const begun = performance.now();
  for (let index = 0; index < requests.length; index++) {
    await sleep(begun + index * 1000 / perSecond - performance.now());
    posts.push(post(index, idle[index % ports.length]!));
  }
  await Promise.all(posts);
  for (const connection of idle.flat()) connection.close();
  return { sent, answered };
}

function openSome(port: number): Promise<KeepAlive[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => openKeepAlive(port)));
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
