/** `Push-Dont-Notify` (draft-bitfire-webdav-push): a client that writes need not be told of it. */
import type { Subscriptions } from "../broker/subscriptions.ts";
import { ownerOf } from "./principal.ts";
import { REGISTRATIONS } from "./register.ts";

/** Registrations that one request can name: all of them stand in each change. */
const MANY = 100;

type Deps = { subscriptions: Pick<Subscriptions, "get">; origin: string };

/** The registrations that are left out, as far as they are the writer's own, or the writer; what is invalid is ignored. */
export async function readDontNotify(
  field: string | undefined,
  principal: string | undefined,
  { subscriptions, origin }: Deps,
): Promise<string[]> {
  if (field === undefined || principal === undefined) return [];
  const owner = ownerOf(origin, principal), locations = parseDontNotify(field);
  if (locations === "*") return [owner];
  const prefix = `${origin}${REGISTRATIONS}/`;
  const ids = locations.filter((location) => location.startsWith(prefix)).map((location) =>
    location.slice(prefix.length)
  );
  const own = ids.slice(0, MANY).map((id) => subscriptions.get(owner, id).then(() => [id], () => []));
  return (await Promise.all(own)).flat();
}

/** Quoted addresses with commas between them, or an asterisk. Several lines of the field are one with commas. */
export function parseDontNotify(field: string): "*" | string[] {
  if (field.split(",").some((part) => part.trim() === "*")) return "*";
  return [...field.matchAll(/"([^"]*)"/g)].map(([, location]) => location!);
}
