/** The properties by which a client finds push (draft-bitfire-webdav-push, "Service detection"). */
import { PUSH_NAMESPACE } from "../wire/push_register.ts";
import { COLLECTIONS, PRINCIPAL, RESOURCE_TYPE } from "./names.ts";
import { createRewriter, type Rewriter } from "./multistatus.ts";
import { askForMore, readPropfind } from "./propfind.ts";
import type { Resource } from "./response_edits.ts";

const name = (local: string) => `{${PUSH_NAMESPACE}}${local}`;
const element = (local: string, inside: string) => `<P:${local} xmlns:P="${PUSH_NAMESPACE}">${inside}</P:${local}>`;

const TOPIC = name("topic"), TRANSPORTS = name("transports"), TRIGGERS = name("supported-triggers");
const OURS = [TOPIC, TRANSPORTS, TRIGGERS];

const SUPPORTED_TRIGGERS = element(
  "supported-triggers",
  `<P:content-update><D:depth xmlns:D="DAV:">infinity</D:depth></P:content-update>` +
    `<P:property-update><D:depth xmlns:D="DAV:">0</D:depth></P:property-update>`,
);

type Deps = {
  /** The public VAPID key of new registrations. */
  vapidKey: string;
  /** What a user calls the topic of a collection. */
  topicFor: (principal: string, path: string) => string;
};

/** A request that asks for what is ours as well, as the upstream is asked; and what its answer must go through. */
export type Adapted = { body: Uint8Array; rewriter: Rewriter };

export type Adapt = (body: Uint8Array) => Adapted | undefined;

/** Answers undefined for a request that has nothing to do with push. */
export function createAdapt({ vapidKey, topicFor }: Deps): Adapt {
  const transports = element(
    "transports",
    `<P:web-push><P:vapid-public-key type="p256ecdsa">${vapidKey}</P:vapid-public-key></P:web-push>`,
  );

  function propertiesOf({ href, types, principal }: Resource): Map<string, string> {
    if (!principal || !types.values().some((type) => COLLECTIONS.has(type))) return new Map();
    const topic = element("topic", topicFor(principal, href));
    return new Map([[TOPIC, topic], [TRANSPORTS, transports], [TRIGGERS, SUPPORTED_TRIGGERS]]);
  }

  return (body) => {
    const propfind = readPropfind(body);
    if (!propfind || !OURS.some((name) => propfind.asked.has(name))) return undefined;
    const hidden = [RESOURCE_TYPE, PRINCIPAL].filter((name) => !propfind.asked.has(name));
    const rewriter = createRewriter({ asked: propfind.asked, hidden: new Set(hidden), propertiesOf });
    return { body: askForMore(propfind, hidden), rewriter };
  };
}
