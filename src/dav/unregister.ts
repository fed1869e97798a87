/** Ending a registration: only its owner may, whom the upstream knows. */
import { CarillonError } from "../errors.ts";
import { type Answer, passOn } from "./answer.ts";
import type { Credentials } from "./ask.ts";
import { withoutOrigin } from "./paths.ts";
import { ownerOf, whoIs } from "./principal.ts";
import { type RegisterDeps, topicOf } from "./register.ts";

/** Rejects when the upstream does not answer; throws `not_found`. */
export async function unregister(
  { ask, subscriptions, origin }: Pick<RegisterDeps, "ask" | "subscriptions" | "origin">,
  { id, credentials }: { id: string; credentials: Credentials },
): Promise<Answer> {
  const { topic } = (await subscriptions.peek(id)).topics[0]!, path = withoutOrigin(topic);
  // A subscription of another door.
  if (topic !== topicOf(origin, path)) throw new CarillonError("not_found", "there is no such registration");
  const { principal, first } = await whoIs(ask, path, credentials);
  if (!principal) return passOn(first);
  await subscriptions.end(ownerOf(origin, principal), id);
  return { status: 204, headers: [] };
}
