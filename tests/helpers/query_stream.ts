/** An event stream that is asked for by `QUERY`, its matchers in the body. */
import { FORM_TYPE } from "./bad_input.ts";

type Options = { query?: string; token?: string; headers?: Record<string, string> };

/** Asks for one, and answers as `fetch` does. */
export function queryStream(
  hub: string,
  body: BodyInit,
  { query = "", token, headers }: Options = {},
): Promise<Response> {
  const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const sent = { "content-type": FORM_TYPE, ...authorization, ...headers };
  return fetch(query ? `${hub}?${query}` : hub, { method: "QUERY", body, headers: sent });
}

/** The data of the first events of a stream, so many; then it is left. */
export async function readData({ body }: Response, count: number): Promise<string[]> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const data = () => [...text.matchAll(/^data: (.*)$/gm)].map(([, each]) => each!);
  let text = "";
  while (data().length < count) text += (await reader.read()).value ?? "";
  await reader.cancel();
  return data();
}
