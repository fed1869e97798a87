/** `CARILLON_URL`: the worker believes to be where it is. Tokens name it as their audience (RFC 9728 3.3 demands it too). */
import { HUB_PATH } from "../../src/app.ts";
import { metadataPath } from "../../src/doors/discovery.ts";
import { shorten } from "../lib/visible.ts";
import type { Deployment } from "./deployment.ts";
import { refused } from "./refusal.ts";
import { fail, ok, type Verdict } from "./verdict.ts";

const STRANGE = "Something changes the worker's answers: let the proxy pass them on as they are.";

export async function checkAddress({ url, request }: Deployment): Promise<Verdict> {
  const response = await request(metadataPath(HUB_PATH));
  if (!response.ok) return await refused("the metadata of the hub", response);
  const { resource } = Object(await response.json().catch(() => undefined));
  if (resource === url + HUB_PATH) return ok(`CARILLON_URL is ${url}`);
  if (typeof resource !== "string") return fail("the metadata of the hub names no resource", STRANGE);
  const told = shorten(resource.replace(HUB_PATH, ""), 200);
  return fail(
    `the worker takes itself for ${told}`,
    `Set CARILLON_URL=${url} and start it anew, or give --url ${told}.`,
  );
}
