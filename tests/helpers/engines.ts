/** Several delivery engines on one database, as the workers of a cell are; and subscribers by the thousand. */
import type { Change } from "../../src/model/change.ts";
import { encodeRecord } from "../../src/store/record.ts";
import { subscriberEntry } from "../../src/store/subscribers.ts";
import { commitChanges, type Engine, subscription } from "./engine.ts";

export async function startAll(...engines: Engine[]): Promise<void> {
  for (const engine of engines) {
    await engine.start();
    await engine.idle();
  }
}

/** What every worker of a cell sees. */
export async function publishToAll(kv: Deno.Kv, engines: Engine[], ...changes: Change[]): Promise<void> {
  const batch = await commitChanges(kv, ...changes);
  for (const engine of engines) engine.seen(batch);
  for (const engine of engines) await engine.idle();
}

export async function passAll(engines: Engine[], milliseconds: number, step = 1_000): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    for (const engine of engines) engine.clock.advance(step);
    for (const engine of engines) await engine.idle();
  }
}

/** How often each subscriber was told. */
export function times(...engines: Engine[]): Map<string, number> {
  const told = new Map<string, number>();
  for (const { id } of engines.flatMap(({ sent }) => sent)) told.set(id, (told.get(id) ?? 0) + 1);
  return told;
}

export async function countKeys(kv: Deno.Kv, prefix: string): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [prefix] }))).length;
}

/** Ids as they are: random characters of base64url. */
export function randomIds(count: number): string[] {
  const random = () => crypto.getRandomValues(new Uint8Array(17));
  return Array.from(
    { length: count },
    () => random().toBase64({ alphabet: "base64url", omitPadding: true }).slice(0, 22),
  );
}

/** Subscribes many to one topic; of each what deliveries read, since storing all of it takes long. */
export async function subscribeMany(
  kv: Deno.Kv,
  topic: string,
  ids: string[],
  delayOf: (index: number) => number = () => 60,
): Promise<void> {
  for (let at = 0; at < ids.length; at += 250) {
    const atomic = kv.atomic();
    for (const [index, id] of ids.slice(at, at + 250).entries()) {
      const each = { ...subscription("", [topic]), id, maxDelay: delayOf(at + index) };
      const [key, value] = subscriberEntry(each, each.topics[0]!);
      atomic.set(key, value).set(["subscription", id], encodeRecord({ subscription: each, nonce: "" }));
    }
    await atomic.commit();
  }
}
