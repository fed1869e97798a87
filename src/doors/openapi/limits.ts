/** What a worker takes at most. */
import { MAX_OWNED } from "../../access/quotas.ts";
import { MAX_MAILBOXES } from "../../broker/mail/mailboxes.ts";
import { MAX_CHANGES, MAX_EVENT_BYTES } from "../../model/change.ts";
import { MAX_MATCHERS, MAX_PATTERNS } from "../../model/matcher.ts";
import { MAX_TOPICS } from "../../model/subscription.ts";
import { MAX_TOPIC_LENGTH } from "../../model/topic.ts";
import { MAX_TTL } from "../../wire/push_resource.ts";
import { MAX_SET_BYTES } from "../events.ts";
import { MAX_GATEWAY_BYTES } from "../gateway.ts";
import { MAX_MESSAGE } from "../push.ts";
import { MAX_QUERY_BYTES } from "../stream.ts";
import { MAX_SUBSCRIPTION_BYTES } from "../subscriptions.ts";
import { MAX_FORM_BYTES, MAX_UPDATE_TOPICS } from "../update.ts";

/** Of this worker's own settings. */
export type SetLimits = { maxStreams: number; maxSubjectStreams: number };

/** Names say their unit where it is not the thing itself. */
export function limitsOf({ maxStreams, maxSubjectStreams }: SetLimits) {
  return {
    eventBytes: MAX_EVENT_BYTES,
    setBytes: MAX_SET_BYTES,
    gatewayBytes: MAX_GATEWAY_BYTES,
    changesOfMessage: MAX_CHANGES,
    topicCharacters: MAX_TOPIC_LENGTH,
    updateBytes: MAX_FORM_BYTES,
    topicsOfUpdate: MAX_UPDATE_TOPICS,
    queryBytes: MAX_QUERY_BYTES,
    matchersOfStream: MAX_MATCHERS,
    urlPatternsOfStream: MAX_PATTERNS,
    streams: maxStreams,
    streamsOfSubject: maxSubjectStreams,
    subscriptionBytes: MAX_SUBSCRIPTION_BYTES,
    subscriptionsOfOwner: MAX_OWNED,
    topicsOfSubscription: MAX_TOPICS,
    pushBytes: MAX_MESSAGE,
    pushTtlSeconds: MAX_TTL,
    pushSubscriptionsOfOwner: MAX_MAILBOXES,
  };
}
