/** Calls per second over time as an SVG: a line for each program, what was throttled above it. */
import type { Second } from "./account.ts";

/** One line of the chart. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly seconds: readonly Second[];
}

const WIDTH = 900;
const HEIGHT = 360;
const MARGIN = { left: 60, right: 20, top: 40, bottom: 40 };
/** So many points are enough for the width. */
const POINTS = 300;

/** Draws the calls that were made (thin) and those that got a token (thick). */
export function chart(title: string, series: readonly Series[]): string {
  const longest = Math.max(1, ...series.map(({ seconds }) => seconds.length));
  const bin = Math.max(1, Math.ceil(longest / POINTS));
  const lines = series.map((one) => ({ ...one, ...binned(one.seconds, bin) }));
  const highest = Math.max(1, ...lines.flatMap(({ made }) => made));
  const x = (at: number) => MARGIN.left + at * bin / longest * (WIDTH - MARGIN.left - MARGIN.right);
  // What the limits let through would be a line on the floor beside what is refused.
  const y = (rate: number) =>
    HEIGHT - MARGIN.bottom -
    Math.log10(1 + rate) / Math.log10(1 + highest) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const path = (rates: readonly number[]) =>
    rates.map((rate, at) => `${x(at).toFixed(1)},${y(rate).toFixed(1)}`).join(" ");
  const body = lines.map(({ name, color, made, done }, at) =>
    `<polyline points="${path(made)}" fill="none" stroke="${color}" stroke-opacity="0.4"/>` +
    `<polyline points="${path(done)}" fill="none" stroke="${color}" stroke-width="2.5"/>` +
    `<text x="${MARGIN.left + 10 + at * 200}" y="${MARGIN.top - 8}" fill="${color}">${name}</text>`
  );
  const rates = [1, 10, 100, 1_000].filter((rate) => rate <= highest);
  const axis = rates.map((rate) =>
    `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(rate)}" y2="${y(rate)}" ` +
    `stroke="#ccc"/><text x="${MARGIN.left - 8}" y="${
      y(rate) + 4
    }" text-anchor="end">${rate}</text>`
  );
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    `<text x="${MARGIN.left + part * (WIDTH - MARGIN.left - MARGIN.right)}" ` +
    `y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${Math.round(part * longest)} s</text>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${WIDTH / 2}" y="16" text-anchor="middle" font-weight="bold">${title}</text>`,
    ...axis,
    ...times,
    `<text x="${MARGIN.left}" y="${HEIGHT - 6}">calls a second (logarithmic); ` +
    "thick: granted, thin: made</text>",
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** Averages over bins, as calls a second. */
function binned(seconds: readonly Second[], bin: number): { made: number[]; done: number[] } {
  const made: number[] = [];
  const done: number[] = [];
  for (let at = 0; at < seconds.length; at += bin) {
    const part = seconds.slice(at, at + bin);
    done.push(part.reduce((sum, one) => sum + one.done, 0) / bin);
    made.push(part.reduce((sum, one) => sum + one.done + one.throttled, 0) / bin);
  }
  return { made, done };
}
