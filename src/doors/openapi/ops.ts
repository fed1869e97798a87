/** What operators ask, and the document itself, in the document. */
import { z } from "@hono/zod-openapi";
import { header, type Operation, STORE_CODES } from "./operation.ts";

const tags = ["Operation"] as [string];
const ETAG = header("Of this document.");

const reference = (path: string, operationId: string, summary: string, type: string, schema: z.ZodType): Operation => ({
  method: "get",
  path,
  operationId,
  tags,
  summary,
  security: [],
  request: { headers: z.object({ "if-none-match": z.string().optional() }) },
  answers: {
    200: { description: "As this worker is.", headers: { ETag: ETAG }, content: { [type]: { schema } } },
    304: { description: "It is as it was.", headers: { ETag: ETAG } },
  },
  codes: [],
});

const plain = (schema: z.ZodType) => ({ "text/plain": { schema } });

export const OPS: Operation[] = [
  {
    method: "get",
    path: "/-/healthy",
    operationId: "healthy",
    tags,
    summary: "Whether the process runs",
    security: [],
    answers: { 200: { description: "It does.", content: plain(z.literal("healthy\n")) } },
    codes: [],
  },
  {
    method: "get",
    path: "/-/ready",
    operationId: "ready",
    tags,
    summary: "Whether requests may be sent here",
    security: [],
    answers: { 200: { description: "They may.", content: plain(z.literal("ready\n")) } },
    codes: ["draining", ...STORE_CODES],
  },
  {
    method: "get",
    path: "/-/metrics",
    operationId: "metrics",
    tags,
    summary: "Metrics of Prometheus",
    description: "With the admin token, which may come as a cookie too.",
    security: [{ admin: [] }, { cookie: [] }],
    answers: { 200: { description: "Its text format.", content: plain(z.string()) } },
    codes: ["bad_request", "token_in_url", "missing_token", "invalid_token", "origin_refused", ...STORE_CODES],
  },
  reference("/-/openapi.json", "openapi", "This document", "application/json", z.looseObject({ openapi: z.string() })),
  reference("/-/docs", "docs", "This document, to read", "text/html", z.string()),
];
