/**
 * FCM as its documentation has it: the reference of `projects.messages` and of `ErrorCode`, "About FCM messages" for the
 * limits, and "Using OAuth 2.0 for Server to Server Applications" for the tokens, which it gives out as well.
 */
import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type { Certificates } from "../../scripts/lib/certificates.ts";
import { type Answer, type Incoming, openHttp2Server, toBehaviour } from "./http2_server.ts";
import { checkJwt } from "./jwt_check.ts";

export type Message = {
  token: string;
  data: Record<string, string>;
  android: { priority: string; ttl: string; collapse_key?: string };
};

type Options = {
  certificates: Certificates;
  /** The service account: `publicKey` is what its key signs for. */
  account: { projectId: string; clientEmail: string; publicKey: KeyObject };
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Seconds that an access token is good for. */
  life?: number;
};

export type Fcm = Awaited<ReturnType<typeof openFcm>>;

export const TOKEN_PATH = "/token";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const MAX_TTL = 28 * 86_400;

/** An answer of another status than 200. */
class Refused extends Error {
  constructor(readonly status: number, readonly body: unknown) {
    super(JSON.stringify(body));
  }
}

/** Google's `google.rpc.Status`; `errorCode` stands in FCM's own detail, `field` in a `BadRequest`. */
export function errorBody(
  code: number,
  status: string,
  { errorCode, field }: { errorCode?: string; field?: string } = {},
) {
  const details = [
    ...errorCode ? [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode }] : [],
    ...field
      ? [{
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        fieldViolations: [{ field, description: `Invalid value at '${field}'` }],
      }]
      : [],
  ];
  return { error: { code, message: "Said to people.", status, ...(details.length > 0 && { details }) } };
}

/** Starts one. Every registration token is registered, until it is told otherwise. */
export async function openFcm({ certificates, account, now = Date.now, life = 3599 }: Options) {
  const messages: Message[] = [];
  const unregistered = new Set<string>();
  /** Access tokens, and when each ends. */
  const tokens = new Map<string, number>();
  const server = await openHttp2Server({ certificates, answer });
  const { origin } = server, tokenUri = origin + TOKEN_PATH;

  function answer(incoming: Incoming): Answer {
    try {
      return { status: 200, body: incoming.path === TOKEN_PATH ? grant(incoming) : take(incoming) };
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      return { status: thrown.status, body: thrown.body };
    }
  }

  /** RFC 7523 2.1, RFC 6749 5. */
  function grant({ method, headers, body }: Incoming) {
    if (method !== "POST" || headers["content-type"] !== "application/x-www-form-urlencoded") {
      throw new Refused(400, { error: "invalid_request" });
    }
    const form = new URLSearchParams(new TextDecoder().decode(body));
    if (form.get("grant_type") !== GRANT_TYPE) throw new Refused(400, { error: "unsupported_grant_type" });
    checkAssertion(form.get("assertion") ?? "", { account, tokenUri, now: now() });
    const token = `ya29.${crypto.randomUUID()}${crypto.randomUUID()}`;
    tokens.set(token, now() + life * 1000);
    return { access_token: token, expires_in: life, token_type: "Bearer" };
  }

  function take({ method, path, headers, body }: Incoming) {
    const [, project, rest] = /^\/v1\/projects\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (method !== "POST" || rest !== "messages:send") throw new Refused(404, "<html>404. That's an error.</html>");
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? "") ?? [];
    if (!(tokens.get(token ?? "")! > now())) throw new Refused(401, errorBody(401, "UNAUTHENTICATED"));
    if (project !== account.projectId) throw new Refused(403, errorBody(403, "PERMISSION_DENIED"));
    const message = readMessage(headers["content-type"], body);
    if (unregistered.has(message.token)) {
      throw new Refused(404, errorBody(404, "NOT_FOUND", { errorCode: "UNREGISTERED" }));
    }
    messages.push(message);
    return { name: `projects/${project}/messages/0:${messages.length}` };
  }

  return {
    ...server,
    tokenUri,
    messages,
    /** How often an access token was asked for. */
    asked: () => server.requests.filter(({ path }) => path === TOKEN_PATH).length,
    tokens,
    unregister: (token: string) => void unregistered.add(token),
    /** No token that was given out is good any more. */
    revoke: () => tokens.clear(),
    /** Answers the next messages, or the next who ask for an access token, so. */
    refuse: (
      status: number,
      body: unknown,
      { headers, times, under = "/v1/" }: { headers?: Answer["headers"]; times?: number; under?: string } = {},
    ) => server.behave(toBehaviour({ status, headers, body }), { times, under }),
  };
}

type Claims = { iss: string; scope: string; aud: string; iat: number; exp: number };

function checkAssertion(
  assertion: string,
  { account: { clientEmail, publicKey }, tokenUri, now }: {
    account: Options["account"];
    tokenUri: string;
    now: number;
  },
): void {
  const { iss, scope, aud, iat, exp } = checkSignature(assertion, publicKey) as Claims;
  const seconds = now / 1000, isFresh = iat <= seconds + 60 && exp > seconds && exp - iat <= 3600;
  if (iss !== clientEmail || aud !== tokenUri || !isFresh) throw new Refused(400, { error: "invalid_grant" });
  if (!scope.split(" ").includes(SCOPE)) throw new Refused(400, { error: "invalid_scope" });
}

function checkSignature(assertion: string, publicKey: KeyObject): Record<string, unknown> {
  try {
    return checkJwt(assertion, publicKey, "RS256").claims;
  } catch {
    throw new Refused(400, { error: "invalid_grant", error_description: "Invalid JWT Signature." });
  }
}

function readMessage(type: string | undefined, body: Uint8Array): Message {
  if (!/^application\/json\b/.test(type ?? "")) throw invalid("message");
  const { message, ...others } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  const unknown = Object.keys({ ...others, ...message }).find((name) => !["token", "data", "android"].includes(name));
  if (unknown !== undefined) throw invalid(unknown);
  if (typeof message.token !== "string" || message.token === "") throw invalid("message.token");
  checkData(message.data);
  checkAndroid(message.android);
  return message;
}

/** "4096 bytes for most messages … both the keys and the values"; names that FCM has for itself. */
function checkData(data: Record<string, unknown>): void {
  for (const [index, [name, value]] of Object.entries(data).entries()) {
    if (typeof value !== "string") throw invalid(`message.data[${index}].value`);
    if (/^(?:from|notification|message_type|google.*|gcm.*)$/.test(name)) throw invalid(`message.data[${index}].key`);
  }
  const counted = Object.entries(data).flat().join("");
  if (Buffer.byteLength(counted) > 4096) throw new Refused(400, errorBody(400, "INVALID_ARGUMENT"));
}

/** `AndroidConfig`. */
function checkAndroid({ priority, ttl, collapse_key, ...others }: Record<string, string>): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`message.android.${unknown}`);
  if (priority !== undefined && !["NORMAL", "HIGH"].includes(priority)) throw invalid("message.android.priority");
  const [, seconds] = /^(\d+(?:\.\d{1,9})?)s$/.exec(ttl ?? "0s") ?? [];
  if (seconds === undefined || Number(seconds) > MAX_TTL) throw invalid("message.android.ttl");
  if (collapse_key !== undefined && collapse_key === "") throw invalid("message.android.collapse_key");
}

function invalid(field: string): Refused {
  return new Refused(400, errorBody(400, "INVALID_ARGUMENT", { errorCode: "INVALID_ARGUMENT", field }));
}
