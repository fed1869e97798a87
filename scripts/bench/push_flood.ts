/** Bogus pushes as fast as they can be sent, by a process of its own; answers what they were answered, as JSON. */
import { openKeepAlive } from "./keep_alive.ts";
import { printPush } from "./push_requests.ts";

/** `push` and `authorization` are those of a restricted subscription, which are known to whoever attacks. */
export type Flood = { port: number; push: string; authorization: string; count: number; connections: number };

/** How many were answered with each status, and seconds. */
export type Flooded = { statuses: Record<string, number>; seconds: number };

/** So many are made ahead; each is sent again and again. */
const MADE = 2_000;

const random = (bytes: number) =>
  crypto.getRandomValues(new Uint8Array(bytes)).toBase64({ alphabet: "base64url", omitPadding: true });

/** Half go to what does not exist, half are signed by nobody: the same claims and key with another signature. */
function makeRequests({ push, authorization }: Flood): Uint8Array[] {
  const unknown = push.slice(0, push.lastIndexOf("/") + 1), token = push.length - unknown.length;
  return Array.from(
    { length: MADE },
    (_, index) =>
      index % 2 === 0
        ? printPush(unknown + random(32).slice(0, token), authorization)
        : printPush(push, authorization.replace(/\.[\w-]+, k=/, `.${random(64)}, k=`)),
  );
}

async function flood(task: Flood): Promise<Flooded> {
  const requests = makeRequests(task), statuses: Record<string, number> = {}, begun = performance.now();
  let next = 0;
  await Promise.all(Array.from({ length: task.connections }, async () => {
    const connection = await openKeepAlive(task.port);
    while (next < task.count) {
      const status = (await connection.exchange(requests[next++ % MADE]!)).slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    connection.close();
  }));
  return { statuses, seconds: (performance.now() - begun) / 1000 };
}

if (import.meta.main) console.log(JSON.stringify(await flood(JSON.parse(Deno.args[0]!))));
