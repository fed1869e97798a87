/** `POST /-/push/push/TOKEN`: a message (RFC 8030 5). What costs least is looked at first: anybody may send anything here. */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handler } from "hono";
import type { AwaitTurn } from "../access/refusals.ts";
import type { CheckVapid } from "../access/vapid_check.ts";
import { readBody } from "../dav/read_body.ts";
import { readFields } from "../wire/push_resource.ts";
import { checkBytes, readBytes, tooLarge } from "./body.ts";
import { messageUrl, openToken, openUrl, PUSH, type PushDeps } from "./push_service.ts";
import { lengthOf, writeAnswer, writeProblem } from "./raw.ts";
import type { Refused } from "./refused.ts";

/** Bytes of a message: RFC 8030 7.2 demands no less. */
export const MAX_MESSAGE = 4096;

const PREFIX = `${PUSH}/push/`;

type Deps = PushDeps & { checkVapid: CheckVapid };

type Pushed = {
  token: string;
  field: (name: string) => string | undefined;
  /** Throws `too_large`. */
  read: () => Promise<Uint8Array>;
};

type Taken = { status: 201 | 202; headers: { location: string; ttl: string } };

async function takePush(deps: Deps, { token, field, read }: Pushed): Promise<Taken> {
  checkBytes(Number(field("content-length") ?? 0), MAX_MESSAGE);
  const resource = await deps.service.find(openToken(deps, "push", token));
  if (resource.vapidKey !== undefined) await deps.checkVapid(field("authorization"), resource.vapidKey);
  const { ttl, receipt, ...fields } = readFields(field);
  const wanted = receipt === undefined ? {} : { receipt: openUrl(deps, "receipt", receipt) };
  const bytes = await read();
  if (bytes.byteLength > MAX_MESSAGE) throw tooLarge(MAX_MESSAGE);
  const body = Buffer.from(bytes).toString("base64url");
  const stored = await deps.service.push(resource.mailbox, { ...fields, ...wanted, body, ttl });
  return { status: wanted.receipt ? 202 : 201, headers: { location: messageUrl(deps.url)(stored), ttl: `${ttl}` } };
}

export function pushDoor(deps: Deps): Handler {
  return async (c) => {
    const field = (name: string) => c.req.header(name), read = () => readBytes(c, MAX_MESSAGE);
    const { status, headers } = await takePush(deps, { token: c.req.param("token")!, field, read });
    return c.body(null, status, headers);
  };
}

/**
 * The same on `node:http`, where a `Request` would cost more than all the rest: whoever floods us pays as much as we do.
 * What a browser's page sends, or without its length, is left to the other.
 */
export function rawPushDoor(deps: Deps & { refused: Refused; awaitTurn: AwaitTurn }) {
  return (incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): boolean => {
    const { method, url = "", headers } = incoming, token = url.slice(PREFIX.length);
    const isPlain = headers.origin === undefined && headers["transfer-encoding"] === undefined;
    if (method !== "POST" || !url.startsWith(PREFIX) || !isPlain || !/^[\w-]+$/.test(token)) return false;
    void answer(incoming, outgoing, token, expects);
    return true;
  };

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse, token: string, expects: boolean) {
    const field = (name: string) => incoming.headers[name] as string | undefined;
    const read = () => {
      if (expects) outgoing.writeContinue();
      return lengthOf(incoming) === 0 ? Promise.resolve(new Uint8Array()) : readBody(incoming);
    };
    try {
      const { status, headers } = await takePush(deps, { token, field, read });
      writeAnswer(outgoing, { status, headers: Object.entries(headers) });
    } catch (thrown) {
      const error = deps.refused(thrown, PREFIX);
      const isSenders = error.meaning.status < 500;
      if (isSenders && !(await deps.awaitTurn())) outgoing.destroy();
      else writeProblem(outgoing, error);
    }
  }
}
