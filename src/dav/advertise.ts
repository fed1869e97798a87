/** Putting the properties of push into what the upstream says of its resources. */
import type { IncomingMessage } from "node:http";
import type { Offer } from "../model/transport.ts";
import type { TopicNames } from "../broker/topic_names.ts";
import { credentialsOf, isBound } from "./ask.ts";
import type { Caller, FindCaller } from "./caller.ts";
import { createRewriter, type Rewriter } from "./multistatus.ts";
import { RESOURCE_TYPE } from "./names.ts";
import { canonicalPath, withoutOrigin } from "./paths.ts";
import { ownerOf } from "./principal.ts";
import { askForMore, mayNameOurs, readPropfind } from "./propfind.ts";
import { createPropertiesOf } from "./properties.ts";
import { pushableOf } from "./pushable.ts";
import { REGISTRATIONS, topicOf } from "./register.ts";
import type { Resource } from "./response_edits.ts";

type Deps = {
  origin: string;
  offers: Offer[];
  findCaller: FindCaller;
  names: Pick<TopicNames, "hash" | "seal">;
};

/**
 * A request that asks for what is ours as well, as the upstream is asked; and what its answer must go through. `open` asks
 * who the caller is: only when the upstream has taken the credentials, which are tried once.
 */
export type Adapted = { body: Uint8Array; open: () => Promise<Rewriter> };

/** Adapts a PROPFIND, whose body was read. Answers undefined for one that has nothing to do with push. */
export type Adapt = (incoming: IncomingMessage, body: Uint8Array) => Adapted | undefined;

export function createAdapt({ origin, offers, findCaller, names }: Deps): Adapt {
  const propertiesOf = createPropertiesOf(offers, origin + REGISTRATIONS);
  const ours = new Set(propertiesOf({ content: true, property: true }, { hash: "", sealed: "" }).keys());

  /** Only of who is signed in: topics are unique to a user. */
  function give({ principal, homes }: Caller, { href, types }: Resource): Map<string, string> {
    const path = canonicalPath(href), pushable = pushableOf(types, homes.has(path));
    if (!principal || !pushable) return new Map();
    const owner = ownerOf(origin, principal);
    return propertiesOf(pushable, { hash: names.hash(owner, topicOf(origin, path)), sealed: names.seal(owner, path) });
  }

  return (incoming, body) => {
    const propfind = mayNameOurs(body) ? readPropfind(body) : undefined;
    if (!propfind || propfind.asked.isDisjointFrom(ours)) return undefined;
    const credentials = credentialsOf(incoming), path = withoutOrigin(incoming.url!);
    if (isBound(credentials)) return undefined;
    // Of each member: the principal is not asked for there, which some servers take a third of their time to say.
    const hidden = [RESOURCE_TYPE].filter((name) => !propfind.asked.has(name));
    const open = async () => {
      const caller = await findCaller(credentials, path), propertiesOf = (found: Resource) => give(caller, found);
      return createRewriter({ asked: propfind.asked, hidden: new Set(hidden), propertiesOf });
    };
    return { body: askForMore(propfind, hidden), open };
  };
}
