/** `POST /-/gateway`: the messages of CC/CD 70025 from a server, as JSON with a bearer token. */
import type { Handler } from "hono";
import { isGranted } from "../model/grant.ts";
import type { Broker } from "../broker/broker.ts";
import { CarillonError } from "../errors.ts";
import { parsePush } from "../wire/push_message.ts";
import { type BearerDeps, requireBearer } from "./bearer.ts";
import { checkType, readText } from "./body.ts";

export const MAX_GATEWAY_BYTES = 48 * 1024;

type Deps = BearerDeps & { hubUrl: string; publish: Broker["publish"] };

/** 200 after the commit. `no-subscribers` is left out: only a whole cluster could say so. */
export function gatewayDoor(deps: Deps): Handler {
  return async (c) => {
    const bearer = await requireBearer(c, deps);
    checkType(c, "application/json");
    const { name, value } = readMessage(await readText(c, MAX_GATEWAY_BYTES));
    // No transport is offered before there are stored subscriptions; event streams need none.
    if (name === "push-transports") return c.json({ "push-transports": [] });
    const changes = parsePush(value, "bad_request", deps.hubUrl);
    const invalid = [...new Set(changes.map(({ topics }) => topics[0]!))].filter((topic) =>
      !isGranted(bearer, "publish", topic)
    );
    if (invalid.length > 0) return c.json({ error: { "invalid-topics": invalid } }, 403);
    await deps.publish({ changes });
    return c.json({ "push-response": {} });
  };
}

function readMessage(text: string): { name: "push" | "push-transports"; value: unknown } {
  const members = Object.entries(parseObject(text));
  const [name, value] = members.find(([name]) => name === "push" || name === "push-transports") ?? members[0] ??
    ["nothing"];
  if (name !== "push" && name !== "push-transports") {
    throw new CarillonError("unknown_message", `the message was refused, it is unknown: ${name.slice(0, 100)}`);
  }
  return { name, value };
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CarillonError("bad_request", "the body was not parsed: it is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CarillonError("bad_request", "the body was not understood: it is no JSON object");
}
