/** Lines in a plane, as an SVG that is light or dark like the page around it. */
import { escapeXml } from "../../src/wire/xml.ts";

/** `ticks` begin and end the axis. A logarithmic one has no zero. */
export type Axis = { label: string; isLogarithmic: boolean; ticks: { at: number; text: string }[] };

export type Line = { name: string; points: { x: number; y: number }[] };

export type Chart = { title: string; description: string; x: Axis; y: Axis; lines: Line[] };

/** Where the plane lies in the picture; the names of the lines stand at its right. */
const [LEFT, TOP, WIDTH, HEIGHT] = [70, 40, 540, 300];

/** Colours that colour-blind people tell apart (Okabe and Ito); dashes tell apart what has the same. */
const LIGHT = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#222222", "#b07a10"];
const DARK = ["#ff9a57", "#56b4e9", "#2fd3a5", "#eda6ca", "#f0f0f0", "#f0c75e"];
const DASHES = ["", "6 3"];

export function printChart(chart: Chart): string {
  const { title, description, x, y, lines } = chart;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 400" role="img" aria-labelledby="t d"`,
    `  font-family="system-ui, sans-serif" font-size="13">`,
    `<title id="t">${escapeXml(title)}</title>`,
    `<desc id="d">${escapeXml(description)}</desc>`,
    `<style>${printStyle(lines.length)}</style>`,
    `<text class="title" x="${LEFT}" y="22">${escapeXml(title)}</text>`,
    ...x.ticks.map((tick) => printTick(acrossOf(x, tick.at), true, tick.text)),
    ...y.ticks.map((tick) => printTick(upOf(y, tick.at), false, tick.text)),
    `<text x="${LEFT + WIDTH / 2}" y="${TOP + HEIGHT + 42}" text-anchor="middle">${escapeXml(x.label)}</text>`,
    `<text transform="translate(18 ${TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeXml(y.label)}</text>`,
    ...lines.flatMap((line, i) => printLine(chart, line, i)),
    "</svg>",
  ].join("\n") + "\n";
}

function printStyle(count: number): string {
  const colours = (palette: string[]) =>
    Array.from({ length: count }, (_, i) => `.l${i} { stroke: ${palette[i % palette.length]}; }`).join(" ");
  const dashes = Array.from({ length: count }, (_, i) => DASHES[Math.floor(i / LIGHT.length)]!)
    .map((dash, i) => dash && `.l${i} { stroke-dasharray: ${dash}; }`).join(" ");
  return [
    "text { fill: #1d2733; } .title { font-size: 16px; font-weight: 600; } .grid { stroke: #d5d9de; }",
    `polyline, .key { fill: none; stroke-width: 2; } ${colours(LIGHT)} ${dashes}`,
    `@media (prefers-color-scheme: dark) { text { fill: #edf1f5; } .grid { stroke: #3b4652; } ${colours(DARK)} }`,
  ].join(" ");
}

function printTick(at: number, isAcross: boolean, text: string): string {
  const [x1, y1, x2, y2] = isAcross ? [at, TOP, at, TOP + HEIGHT] : [LEFT, at, LEFT + WIDTH, at];
  const label = isAcross
    ? `x="${at}" y="${TOP + HEIGHT + 20}" text-anchor="middle"`
    : `x="${LEFT - 8}" y="${at + 4}" text-anchor="end"`;
  return `<path class="grid" d="M${x1} ${y1}L${x2} ${y2}" />\n<text ${label}>${escapeXml(text)}</text>`;
}

function printLine({ x, y }: Chart, { name, points }: Line, index: number): string[] {
  const places = points.map((point) => `${acrossOf(x, point.x)},${upOf(y, point.y)}`);
  const [left, at] = [LEFT + WIDTH + 20, TOP + 20 + 22 * index];
  return [
    `<polyline class="l${index}" points="${places.join(" ")}" />`,
    `<path class="key l${index}" d="M${left} ${at}h28" />`,
    `<text x="${left + 36}" y="${at + 4}">${escapeXml(name)}</text>`,
  ];
}

const acrossOf = (axis: Axis, value: number) => round(LEFT + WIDTH * partOf(axis, value));
const upOf = (axis: Axis, value: number) => round(TOP + HEIGHT * (1 - partOf(axis, value)));

/** 0 at the first tick, 1 at the last one; what lies outside stands at the edge. */
function partOf({ isLogarithmic, ticks }: Axis, value: number): number {
  const scale = isLogarithmic ? Math.log10 : (value: number) => value;
  const [first, last] = [ticks[0]!.at, ticks.at(-1)!.at].map(scale) as [number, number];
  return Math.min(1, Math.max(0, (scale(value) - first) / (last - first)));
}

/** A tenth of a unit is less than one sees. */
const round = (place: number) => Math.round(10 * place) / 10;
