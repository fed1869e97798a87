/** The push message of WebDAV-Push (draft-bitfire-webdav-push, `push-message`). */
import { Buffer } from "node:buffer";
import type { Message } from "../model/delivery.ts";
import { MAX_PLAINTEXT } from "./aes128gcm.ts";
import { PUSH_NAMESPACE } from "./push_register.ts";
import { escapeXml } from "./xml.ts";

/**
 * Prints what a client is told of a collection that it knows as `topic`: that its content changed, with the sync-token,
 * and which properties, in at most `MAX_PLAINTEXT` bytes; names of properties are left out first, then the token, which
 * `smallest` begins with. The initial push is a message like any other: the draft has none that says less.
 */
export function printWebdavPush(topic: string, message: Message, { smallest = false } = {}): string {
  const { content, property } = message?.merged ?? INITIAL;
  const small = [{ props: false, token: true }, { props: false, token: false }];
  const forms = smallest ? small : [{ props: true, token: true }, ...small];
  const texts = forms.values().map(({ props, token }) =>
    printRoot(
      `<topic>${escapeXml(topic)}</topic>` +
        (content ? printContent(token ? content.syncToken : undefined) : "") +
        (property ? printProperty(props ? property.props : []) : ""),
    )
  );
  return texts.find((text) => Buffer.byteLength(text) <= MAX_PLAINTEXT)!;
}

const INITIAL: Pick<NonNullable<Message>["merged"], "content" | "property"> = {
  content: { depths: ["0"], except: [], timestamp: 0 },
};

/** There is another VAPID key: of no topic, since it is so for all of them. */
export const KEY_CHANGED = printRoot("<property-update><D:prop><transports/></D:prop></property-update>");

function printRoot(inside: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>` +
    `<push-message xmlns="${PUSH_NAMESPACE}" xmlns:D="DAV:">${inside}</push-message>`;
}

function printContent(token: string | undefined): string {
  if (token === undefined) return "<content-update/>";
  return `<content-update><D:sync-token>${escapeXml(token)}</D:sync-token></content-update>`;
}

/** `props` are Clark names. */
function printProperty(props: string[]): string {
  if (props.length === 0) return "<property-update/>";
  const names = props.map((name) => /^\{([^}]*)\}(.+)$/.exec(name)).filter((parts) => parts !== null);
  const elements = names.filter(([, , local]) => isName(local!)).map(([, uri, local]) =>
    uri === "DAV:" ? `<D:${local}/>` : `<${local} xmlns="${escapeXml(uri!)}"/>`
  );
  return `<property-update><D:prop>${elements.join("")}</D:prop></property-update>`;
}

/** Others told us the names: one that is no name of XML is left out. */
function isName(local: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(local);
}
