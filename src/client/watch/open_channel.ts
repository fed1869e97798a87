/** Opening a channel by the first transport that can be used. */
import { inTime, type Pace } from "../pace.ts";
import { ReceiverError } from "../receiver_error.ts";
import type { Channel, Offer, Transport } from "./transport.ts";

/** Milliseconds: a browser may wait for its push service without an end, and what is watched is looked at meanwhile. */
const PATIENCE = 60_000;

type Deps = { transports: Transport[]; pace: Pace; report: (fault: ReceiverError) => void };

/** Undefined where none can be had; `isUnfit` says that none failed: they do not go with what is offered. */
export async function openChannel(
  { transports, pace, report }: Deps,
  offer: Offer,
): Promise<{ channel?: Channel; isUnfit: boolean }> {
  let isUnfit = transports.length > 0;
  for (const transport of transports) {
    try {
      const channel = await openInTime(transport, offer, pace);
      if (channel) return { channel, isUnfit: false };
    } catch (thrown) {
      isUnfit = false;
      report(faultOf(thrown));
    }
  }
  return { isUnfit };
}

function openInTime(transport: Transport, offer: Offer, pace: Pace): Promise<Channel | undefined> {
  // An app's own may throw at once.
  const opening = (async () => await transport(offer, pace))();
  const giveBack = () => void opening.then((late) => late && !late.lasts ? endChannel(late) : undefined, () => {});
  return inTime(pace, PATIENCE, giveBack, opening);
}

/** Gives a channel back, as far as it lets itself. */
export async function endChannel(channel: Channel): Promise<void> {
  try {
    await channel.end();
  } catch {
    // What is not given back ends by itself.
  }
}

/** What an app's own transport, or a browser, throws may hold an address. */
export function faultOf(thrown: unknown): ReceiverError {
  if (thrown instanceof ReceiverError) return thrown;
  return new ReceiverError("unavailable", "a transport did not open, or broke off");
}
