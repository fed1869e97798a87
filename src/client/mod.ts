/** The client library: being told when a calendar or an address book has changed (docs/client.md). */
export { type Options as WatchOptions, type State, type Watch, watch } from "./watch/watch.ts";
export { watchInTabs } from "./watch/tabs.ts";
export type { Changed } from "./watch/tell.ts";
export type { Clock } from "./watch/rest.ts";
export type { Channel, Hearing, Offer, Transport } from "./watch/transport.ts";
export { eventStream } from "./watch/event_stream.ts";
export { type Kept, pushService } from "./watch/push_service.ts";
export type { Token } from "./watch/token.ts";
export { readPushMessage, type Told } from "./watch/push_message.ts";
export { relayPush, webPush } from "./watch/web_push.ts";
export { ReceiverError, type ReceiverErrorCode } from "./receiver_error.ts";
