/** A DAV server that says what a test lets it say, and keeps what it is asked. No network: it is a `fetch`. */
export const VAPID = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

export const URL_OF = "https://dav.example/alice/work/";

/** A collection as a multistatus shows it. */
export function printCollection({ href = "/alice/work/", token = "1", more = "" } = {}): string {
  return `<response><href>${href}</href><propstat><prop><resourcetype><collection/><C:calendar/></resourcetype>` +
    `<sync-token>${token}</sync-token>${more}</prop><status>HTTP/1.1 200 OK</status></propstat></response>`;
}

export function printMultistatus(inside: string): string {
  return `<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:P="https://bitfire.at/webdav-push" ` +
    `xmlns:T="urn:ietf:params:xml:ns:dav-push">${inside}</multistatus>`;
}

export const WEBDAV_PUSH =
  `<P:transports><P:web-push><P:vapid-public-key type="p256ecdsa">${VAPID}</P:vapid-public-key></P:web-push></P:transports>` +
  "<P:topic>topic</P:topic>";

export type Asked = { method: string; url: string; body?: string };

/** `answer` may change while it runs. */
export function davStub(answer: (asked: Asked) => Response) {
  const asked: Asked[] = [], stub = { answer, asked, looks: () => asked.filter(({ method }) => method === "PROPFIND") };
  const fetch = (url: string, { method = "GET", body }: RequestInit) => {
    const request = { method, url, ...(typeof body === "string" && { body }) };
    asked.push(request);
    return Promise.resolve().then(() => stub.answer(request));
  };
  return { ...stub, fetch, say: (next: (asked: Asked) => Response) => void (stub.answer = next) };
}

export const multistatus = (inside: string, headers: Record<string, string> = {}) =>
  new Response(printMultistatus(inside), { status: 207, headers });
