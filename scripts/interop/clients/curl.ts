/** curl through a day of a calendar and an address book: each answer's status, head and body are compared. */
import { createNormaliser } from "../compare.ts";
import type { ClientKind, Place, Step } from "../kinds.ts";
import { mustRun, runProgram } from "../programs.ts";
import { type Answer, type Ask, type Asked, spendDay } from "./curl_day.ts";

/** What belongs to one connection or leads past us, and the time. Carillon's own class comes in a line of its own. */
const BY_NATURE = /^(?:alt-svc|date|connection|keep-alive|transfer-encoding|upgrade)$/i;

export const curl: ClientKind = {
  name: "curl",
  find: async () => /^curl (\S+)/.exec(await mustRun("curl", ["--version"]))![1]!,
  run: async (place, folder) => {
    const steps: Step[] = [];
    const normalise = createNormaliser(place);
    await spendDay(
      place,
      askBy(place, folder, (name, asked, answer) => {
        const outcome = asked.expect.includes(answer.status) ? "passed" : "failed";
        steps.push({ name, outcome, lines: printAnswer(answer).map(normalise) });
      }),
    );
    return steps;
  },
};

function askBy(place: Place, folder: string, tell: (name: string, asked: Asked, answer: Answer) => void): Ask {
  return async (name, asked) => {
    const { code, out, err } = await runProgram("curl", await argumentsOf(place, folder, asked));
    const answer = code === 0 ? readAnswer(out) : { status: 0, heads: [`curl ${code}: ${err.trim()}`], body: "" };
    tell(name, asked, answer);
    return answer;
  };
}

async function argumentsOf(place: Place, folder: string, asked: Asked): Promise<string[]> {
  const { method, path, headers = {}, body, flags = [], anonymous } = asked;
  const named = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const known = anonymous ? [] : ["-u", `${place.user}:${place.password}`];
  const sent = body === undefined ? [] : ["--data-binary", `@${folder}/body`];
  if (body !== undefined) await Deno.writeTextFile(`${folder}/body`, body);
  const form = method === "HEAD" ? ["--head"] : ["-X", method];
  return ["-sS", "-i", "--http1.1", "--path-as-is", "-m", "20", ...form, ...known, ...named, ...sent, ...flags].concat(
    place.origin + path,
  );
}

/** Reads what `curl -i` prints; a `100 Continue` comes before, with a head of its own. */
function readAnswer(text: string): Answer {
  const heads: string[] = [];
  for (let rest = text;;) {
    const end = rest.indexOf("\r\n\r\n"), head = end < 0 ? rest : rest.slice(0, end);
    heads.push(...head.split("\r\n"));
    rest = end < 0 ? "" : rest.slice(end + 4);
    const status = Number(/^HTTP\/\S+ (\d+)/.exec(head)?.[1]);
    if (status !== 100) return { status, heads, body: rest };
  }
}

function printAnswer({ heads, body }: Answer): string[] {
  return [...heads.flatMap(printHead), ...printBody(body)];
}

/** HTTP/1.0 of a server is 1.1 behind a proxy; a length is there or not, since names within differ in length. */
function printHead(line: string): string[] {
  const [, version, rest] = /^HTTP\/(\S+) (.*)/.exec(line) ?? [];
  if (version) return [rest!];
  const [, name, value] = /^([^:]+):\s*(.*)/.exec(line) ?? [, line, ""];
  if (BY_NATURE.test(name!) || /^dav: *webdav-push$/i.test(line)) return [];
  if (/^content-length$/i.test(name!)) return ["content-length"];
  return [`${name}: ${value}`];
}

/** Servers list the members of a collection in the order of their disk. */
function printBody(body: string): string[] {
  const parts = body.split(/(?=<(?:\w+:)?response[ >])/);
  return parts.slice(0, 1).concat(parts.slice(1).sort()).flatMap((part) => part.split(/\r?\n|(?<=>)(?=<)/))
    .map((line) => line.trim()).filter(Boolean);
}
