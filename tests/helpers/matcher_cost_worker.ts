/** Compiles a pattern and times it in a thread of its own: a catastrophic one can only be stopped from outside. */
import { asCarillonError } from "../../src/errors.ts";
import { compileMatcher } from "../../src/model/matcher.ts";

const scope = self as unknown as { onmessage: (event: MessageEvent) => void; postMessage: (value: unknown) => void };

scope.onmessage = ({ data: { pattern, topics, hub } }) => {
  try {
    const { matches } = compileMatcher({ match: pattern, type: "urlpattern" }, hub);
    scope.postMessage({ slowest: Math.max(...(topics as string[]).map((topic) => time(matches, topic))) });
  } catch (thrown) {
    scope.postMessage({ refused: asCarillonError(thrown).code });
  }
};

/** The best of a few runs: the machine's other work is not the pattern's cost. */
function time(matches: (topic: string) => boolean, topic: string, runs = 4): number {
  const start = performance.now();
  matches(topic);
  const taken = performance.now() - start;
  return taken < 10 || runs === 1 ? taken : Math.min(taken, time(matches, topic, runs - 1));
}
