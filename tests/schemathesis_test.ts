import { OPERATIONS } from "../src/doors/openapi/document.ts";
import { equal, ok } from "./helpers/assert.ts";
import { component } from "./helpers/component.ts";
import { describedWorker, findSchemathesis, runSchemathesis } from "./helpers/schemathesis.ts";

const withSchemathesis = await component("schemathesis", findSchemathesis);

/** `deno task schemathesis` asks for so many seconds, and other things each time. */
const SECONDS = Deno.env.get("SCHEMATHESIS_SECONDS");
const SHORT = ["--max-examples", "10", "--seed", "1", "--phases", "examples,coverage,fuzzing"];

withSchemathesis(
  "schemathesis: whatever is asked, the answer is no fault of ours, and one that the document names",
  async (python) => {
    await using worker = await describedWorker();
    const { success, said } = await runSchemathesis(python, worker, SECONDS ? ["--max-time", SECONDS] : SHORT);
    if (SECONDS) console.log(said);
    ok(success, said);
    const succeeded = ({ operationId }: { operationId?: string }) =>
      [...worker.answered.get(operationId!) ?? []].some((status) => status < 300);
    // Every stream here has ended before anybody can ask for it.
    equal(OPERATIONS.filter((each) => !succeeded(each)).map(({ operationId }) => operationId), ["getActive"]);
  },
);
