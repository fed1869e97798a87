/** What doors that answer on `node:http` itself have in common. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Buffer } from "node:buffer";
import type { Answer } from "../dav/answer.ts";
import type { CarillonError } from "../errors.ts";
import { discardRest } from "./discard_rest.ts";
import { problemOf } from "./problem.ts";

/** Bytes of the body, 0 where the request does not say. */
export const lengthOf = ({ headers }: IncomingMessage) => Number(headers["content-length"] ?? 0);

export function writeAnswer(outgoing: ServerResponse, { status, headers, body = "" }: Answer): void {
  const length = status === 204 ? [] : ["Content-Length", `${Buffer.byteLength(body)}`];
  outgoing.writeHead(status, [...headers.flat(), ...length]);
  outgoing.end(body);
}

export function writeProblem(outgoing: ServerResponse, error: CarillonError): void {
  const { headers, ...rest } = problemOf(error);
  if (headers.connection === "close") discardRest(outgoing);
  writeAnswer(outgoing, { ...rest, headers: Object.entries(headers) });
}
