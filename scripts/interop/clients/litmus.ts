/** litmus: the tests of a WebDAV server by the authors of neon. */
import { createNormaliser } from "../compare.ts";
import type { ClientKind, Place, Step } from "../kinds.ts";
import { debianVersion, runProgram } from "../programs.ts";

const SETS = ["basic", "copymove", "props", "locks", "http"];

const OUTCOMES: Record<string, Step["outcome"]> = { pass: "passed", FAIL: "failed", SKIPPED: "skipped" };

export const litmus: ClientKind = {
  name: "litmus",
  find: () => debianVersion("litmus"),
  run: async (place, folder) => {
    const normalise = createNormaliser(place), steps: Step[] = [];
    for (const set of SETS) steps.push(...await runSet(set, place, folder, normalise));
    return steps;
  },
};

/** litmus keeps its logs in the folder that it is started in. */
async function runSet(set: string, place: Place, folder: string, normalise: (text: string) => string) {
  const args = ["-k", place.origin + place.files, place.user, place.password];
  const { out } = await runProgram("litmus", args, { cwd: folder, env: { TESTS: set } });
  return readSteps(set, normalise(withoutGarbage(out)));
}

/** A test is a line that is written again at its end; after a warning, or a failure's reason, there is one more. */
function readSteps(set: string, text: string): Step[] {
  const written = text.split("\n").map((line) => line.split("\r").findLast(Boolean) ?? "");
  return written.join("\n").split(/^(?= *\d+\. \w+[. ])/m).slice(1).map((part) => {
    const [, number, name, rest] = /^ *(\d+)\. (\w+)\.* +([^]*)/.exec(part.split(/^(?:<-|->)/m)[0]!)!;
    const end = /\b(pass|FAIL|SKIPPED)\b/.exec(rest!)?.[1] ?? "FAIL";
    return {
      name: `${set} ${number} ${name}`,
      outcome: OUTCOMES[end]!,
      lines: rest!.split("\n").map((line) => line.trim()).filter(Boolean),
    };
  });
}

/** litmus 0.13 names some paths by memory that it has freed. */
function withoutGarbage(text: string): string {
  return text.replace(/(?<=PUT of )`(?!\/)[^]*?'(?=: \d)/g, "`…'").replace(/(?<=LOCK on )(?!`)[^]*?(?= via )/g, "…");
}
