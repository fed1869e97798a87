/** Deliveries to subscriptions of a test. */
import type { Delivery, Message, Outcome } from "../../src/model/delivery.ts";
import type { Subscriber } from "../../src/model/subscription.ts";
import { createUserAgent } from "./push_user_agent.ts";

/** A content change of this topic. */
export function contentOf(
  topic: string,
  { priority = 50, timestamp = Date.now(), syncToken = "t1" } = {},
): NonNullable<Message> {
  return { topic, merged: { priority, timestamp, content: { depths: ["1"], except: [], timestamp, syncToken } } };
}

/** To this address, of a content change, good for a day, unless it says otherwise. */
export function deliveryTo(
  subscriber: Partial<Subscriber> & { address: string },
  more: Partial<Delivery> = {},
): Delivery {
  const id = crypto.randomUUID();
  return {
    subscriber: {
      id,
      owner: "owner",
      transport: "web-push",
      keys: createUserAgent().keys,
      triggers: {},
      minPriority: 0,
      vapidKey: "",
      confirmed: true,
      expiresAt: Infinity,
      ...subscriber,
    },
    message: contentOf("https://dav.example/calendars/alice/work/"),
    until: Date.now() + 86_400_000,
    attempt: 0,
    ...more,
  };
}

/** What comes of a message, without the reason, which `contract_test.ts` and the vendors' tables look at. */
export function alone(outcome: Outcome): Outcome {
  return outcome.kind === "delivered" ? outcome : (({ reason: _, ...rest }) => rest)(outcome);
}
