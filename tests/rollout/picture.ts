/** A scene as a picture: pods through time, where connections went, and which were lost. */
import type { Loss, Recording } from "./recording.ts";
import { type Row, rowsOf, type Span, type State, STATES } from "./spans.ts";
import { real, SCALE } from "./time.ts";

/** What a picture is made of. */
export interface Scenery {
  readonly title: string;
  readonly recording: Recording;
  readonly losses: readonly Loss[];
  /** The part to show, in milliseconds since the cluster's start. */
  readonly from: number;
  readonly to: number;
}

const COLOURS: Readonly<Record<State, string>> = {
  "starting": "#d0d7de",
  "in service": "#4ac26b",
  "not ready": "#e3b341",
  "draining": "#79c0ff",
  "ending": "#a475f9",
};
const LOST = "#cf222e";

const [LEFT, TOP, WIDTH, ROW, BARS] = [110, 64, 900, 26, 80] as const;
/** The width of a bar of the lower chart, in seconds of a real cluster. */
const BIN = 5;

/** The picture as SVG. */
export function picture(scenery: Scenery): string {
  const { recording, from, to } = scenery;
  const rows = rowsOf(recording.events, to).filter(({ spans }) => (spans.at(-1)?.to ?? 0) > from);
  const base = TOP + rows.length * ROW;
  const height = base + BARS + 64;
  const parts = [
    text(LEFT, 22, scenery.title, "font-size='16' font-weight='bold'"),
    legend(),
    ...rows.flatMap((row, index) => podRow(row, TOP + index * ROW, scenery)),
    ...chart(base + 22, scenery),
    ...axis(base + BARS + 26, scenery),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ${height}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n` +
    `${parts.join("\n")}\n</svg>\n`;
}

function podRow(row: Row, y: number, scenery: Scenery): string[] {
  const lost = scenery.losses.filter(({ pod }) => pod !== undefined && pod === row.ip);
  return [
    text(4, y + 15, row.pod),
    ...row.spans.flatMap((span) => bar(span, y, scenery)),
    ...sent(row.ip, y, scenery),
    ...lost.map(({ at, failure }) => {
      const tip = `<title>${escaped(`${failure.on}: ${failure.what}`)}</title>`;
      return `<rect x="${
        x(at, scenery)
      }" y="${y}" width="1.5" height="20" fill="${LOST}">${tip}</rect>`;
    }),
  ];
}

function bar({ state, from, to }: Span, y: number, scenery: Scenery): string[] {
  const [left, right] = [x(from, scenery), x(to, scenery)];
  if (right <= left) return [];
  const tip = `<title>${state}, ${real(to - from).toFixed(0)} s</title>`;
  return [
    `<rect x="${left}" y="${y + 3}" width="${(right - left).toFixed(1)}" height="14" ` +
    `fill="${COLOURS[state]}">${tip}</rect>`,
  ];
}

/** A dark line below a pod, where the load balancer sends it new connections. */
function sent(ip: string | undefined, y: number, scenery: Scenery): string[] {
  const times = scenery.recording.balancing.flatMap(({ at, event }) =>
    event.kind === "flow-opened" && event.flow.target?.id === ip ? [at] : []
  );
  const bins = new Set(times.map((at) => Math.floor(real(at) / BIN)));
  return [...bins].flatMap((bin) => {
    const [left, right] = [bin, bin + 1].map((one) => x(one * BIN * 1_000 / SCALE, scenery));
    if (left === undefined || right === undefined || right <= left) return [];
    const width = (right - left).toFixed(1);
    return [`<rect x="${left}" y="${y + 18}" width="${width}" height="2" fill="#1f2328"/>`];
  });
}

/** Connections, and below the line in red, those that failed. */
function chart(y: number, scenery: Scenery): string[] {
  const opened = counts(
    scenery.recording.balancing.flatMap(({ at, event }) =>
      event.kind === "flow-opened" || event.kind === "flow-refused" ? [at] : []
    ),
  );
  const lost = counts(scenery.losses.map(({ at }) => at));
  const most = Math.max(1, ...opened.values(), ...lost.values());
  const bars = (bins: ReadonlyMap<number, number>, colour: string) =>
    [...bins].flatMap(([bin, count]) => {
      const [left, right] = [bin, bin + 1].map((one) => x(one * BIN * 1_000 / SCALE, scenery));
      if (left === undefined || right === undefined || right <= left) return [];
      const height = Math.max(1, count / most * (BARS - 20));
      return [
        `<rect x="${left}" y="${(y + BARS - 20 - height).toFixed(1)}" ` +
        `width="${(right - left).toFixed(1)}" height="${height.toFixed(1)}" fill="${colour}"/>`,
      ];
    });
  return [
    text(4, y + 24, "connections"),
    text(4, y + 40, "and failures", `fill='${LOST}'`),
    ...bars(opened, "#afb8c1"),
    ...bars(lost, LOST),
  ];
}

function counts(times: readonly number[]): Map<number, number> {
  const bins = new Map<number, number>();
  for (const at of times) {
    const bin = Math.floor(real(at) / BIN);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  return bins;
}

function legend(): string {
  const states = STATES.map((state) => [state, COLOURS[state]] as const);
  const all = [...states, ["new connections", "#1f2328"] as const, ["failed", LOST] as const];
  return all.map(([name, colour], index) => {
    const left = LEFT + index * 126;
    return `<rect x="${left}" y="36" width="12" height="12" fill="${colour}"/>` +
      text(left + 17, 46, name);
  }).join("");
}

function axis(y: number, scenery: Scenery): string[] {
  const seconds = real(scenery.to - scenery.from);
  const step = [30, 60, 120, 300, 600].find((one) => seconds / one <= 12) ?? 1_200;
  const marks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
  return marks.flatMap((mark) => {
    const left = x(scenery.from + mark * 1_000 / SCALE, scenery);
    return [
      `<line x1="${left}" y1="${TOP}" x2="${left}" y2="${y}" stroke="#d0d7de" ` +
      `stroke-dasharray="2 3"/>`,
      text(left, y + 16, `${mark} s`),
    ];
  });
}

/** Where a time is, within the part that is shown. */
function x(at: number, { from, to }: Pick<Scenery, "from" | "to">): number {
  const place = Math.min(1, Math.max(0, (at - from) / (to - from)));
  return Number((LEFT + place * WIDTH).toFixed(1));
}

function text(x: number, y: number, content: string, more: string = ""): string {
  return `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
