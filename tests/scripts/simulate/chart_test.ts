import fc from "fast-check";
import { SaxesParser } from "saxes";
import { printChart } from "../../../scripts/simulate/chart.ts";
import { text } from "../../helpers/arbitraries.ts";
import { hasHiddenCharacters } from "../../../src/model/topic.ts";
import { equal, ok } from "../../helpers/assert.ts";

const axis = { label: "x", isLogarithmic: true, ticks: [{ at: 1, text: "1" }, { at: 100, text: "100" }] };

const chartOf = (name: string, points: { x: number; y: number }[]) => ({
  title: name,
  description: name,
  x: axis,
  y: { ...axis, isLogarithmic: false },
  lines: [{ name, points }],
});

/** The text of each element, and the attributes of the line. */
function parse(svg: string) {
  const parser = new SaxesParser(), texts: string[] = [];
  let points = "";
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("text", (text) => void texts.push(text));
  parser.on("opentag", ({ name, attributes }) => {
    if (name === "polyline") points = attributes.points as string;
  });
  parser.write(svg).close();
  return { texts, points };
}

Deno.test("simulate: a chart is well-formed whatever its names are", () => {
  // XML can hold neither what is hidden nor what is no character at all.
  const name = text.filter((text) => {
    return text.isWellFormed() && !hasHiddenCharacters(text) && !/[\ufffe\uffff]/.test(text) && text.trim() !== "";
  });
  fc.assert(fc.property(name, (name) => {
    ok(parse(printChart(chartOf(name, []))).texts.includes(name));
  }));
});

Deno.test("simulate: a point stands where its axes say, and at the edge when it lies outside", () => {
  const points = [{ x: 1, y: 1 }, { x: 10, y: 50.5 }, { x: 100, y: 100 }, { x: 0, y: 1000 }];
  equal(parse(printChart(chartOf("line", points))).points, "70,340 340,190 610,40 70,40");
});

Deno.test("simulate: a chart has colours for light and dark", () => {
  const svg = printChart(chartOf("line", []));
  ok(svg.includes("@media (prefers-color-scheme: dark)"));
  equal(svg.match(/\.l0 \{ stroke: #\w+; \}/g)!.length, 2);
});
