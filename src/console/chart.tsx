/** Small charts, drawn as SVG. */
import { count } from "./words.ts";
import { MAX_SAMPLES } from "./samples.ts";

/** Units of the picture, which is stretched to its place. */
const WIDTH = MAX_SAMPLES - 1, HEIGHT = 40;

type Line = { values: number[]; kind: "main" | "bad" };

type ChartProps = { label: string; lines: Line[] };

/** The newest value is at the right; all lines share one scale, which begins at zero. */
export function Chart({ label, lines }: ChartProps) {
  const max = Math.max(0, ...lines.flatMap(({ values }) => values));
  const said = `${label}, the last five minutes: at most ${count(max)}`;
  return (
    <svg
      class="chart"
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={said}
    >
      <path class="base" d={`M0 ${HEIGHT}H${WIDTH}`} vector-effect="non-scaling-stroke" />
      {lines.filter(isToDraw).map(({ values, kind }) => <Path values={values} kind={kind} max={max || 1} />)}
    </svg>
  );
}

/** A line of what went wrong lies on the base where nothing did: it would look like a fault. */
const isToDraw = ({ values, kind }: Line) => kind === "main" || values.some((value) => value > 0);

function Path({ values, kind, max }: Line & { max: number }) {
  if (values.length === 0) return null;
  const left = WIDTH + 1 - values.length;
  const line = values.map((value, n) => `${left + n} ${round(HEIGHT * (1 - value / max))}`).join("L");
  return (
    <>
      {kind === "main" && <path class="area" d={`M${left} ${HEIGHT}L${line}V${HEIGHT}Z`} />}
      <path class={`line ${kind}`} d={`M${line}`} vector-effect="non-scaling-stroke" />
    </>
  );
}

const round = (value: number) => Math.round(10 * value) / 10;
