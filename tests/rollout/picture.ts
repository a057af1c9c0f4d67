/** A rollout as a picture: pods through time, where connections went, and which were lost. */
import type { Event } from "../cluster/events.ts";
import type { Loss, Recording } from "./recording.ts";
import { type Row, rowsOf, type State, STATES } from "./spans.ts";
import { here, real } from "./time.ts";

/** What a picture is made of. */
export interface PictureOptions {
  readonly title: string;
  readonly events: readonly Event[];
  readonly balancing: Recording["balancing"];
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
const SENT = "#1f2328";

const [LEFT, TOP, WIDTH, ROW, BARS] = [110, 64, 900, 26, 80] as const;
/** The width of a bar of the lower chart, in seconds of a real cluster. */
const BIN = 5;

/** The picture as SVG. */
export function picture(options: PictureOptions): string {
  const { events, from, to, balancing, losses, title } = options;
  const rows = rowsOf(events, to).filter(({ spans }) => (spans.at(-1)?.to ?? 0) > from);
  const base = TOP + rows.length * ROW;
  const opened = balancing.flatMap(({ at, event }) =>
    event.kind === "flow-opened" ? [{ at, pod: event.flow.target?.id }] : []
  );
  const parts = [
    text(LEFT, 22, title, "font-size='16' font-weight='bold'"),
    ...legend(),
    ...rows.flatMap((row, index) => podRow(row, TOP + index * ROW)),
    text(4, base + 46, "connections"),
    text(4, base + 62, "and failures", `fill='${LOST}'`),
    ...bars(opened, "#afb8c1"),
    ...bars(losses, LOST),
    ...axis(base + BARS + 26),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 20} ` +
    `${base + BARS + 64}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join("\n")}\n</svg>\n`;

  /** A pod's states; below them a dark line where it got new connections; in red, its losses. */
  function podRow({ pod, ip, spans }: Row, y: number): string[] {
    const own = (all: readonly { at: number; pod: string | undefined }[]) =>
      ip === undefined ? [] : all.filter((one) => one.pod === ip);
    return [
      text(4, y + 15, pod),
      ...spans.map((span) => bar(span, y + 3, { height: 14, fill: COLOURS[span.state] })),
      ...[...bins(own(opened)).keys()].map((bin) =>
        bar(binAt(bin), y + 18, { height: 2, fill: SENT })
      ),
      ...own(losses).map(({ at }) =>
        `<rect x="${x(at)}" y="${y}" width="1.5" height="20" ` +
        `fill="${LOST}"/>`
      ),
    ];
  }

  function bars(all: readonly { readonly at: number }[], fill: string): string[] {
    const most = Math.max(1, ...bins(opened).values(), ...bins(losses).values());
    return [...bins(all)].map(([bin, count]) => {
      const height = Math.max(1, count / most * (BARS - 20));
      return bar(binAt(bin), base + 22 + BARS - 20 - height, { height, fill });
    });
  }

  function bar(
    span: { readonly from: number; readonly to: number },
    y: number,
    { height, fill }: { readonly height: number; readonly fill: string },
  ): string {
    const width = x(span.to) - x(span.from);
    return width <= 0 ? "" : `<rect x="${x(span.from)}" y="${y.toFixed(1)}" ` +
      `width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`;
  }

  function axis(y: number): string[] {
    const seconds = real(to - from);
    const step = [30, 60, 120, 300, 600].find((one) => seconds / one <= 12) ?? 1_200;
    return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
      const left = x(from + here(index * step));
      return `<line x1="${left}" y1="${TOP}" x2="${left}" y2="${y}" stroke="#d0d7de" ` +
        `stroke-dasharray="2 3"/>${text(left, y + 16, `${index * step} s`)}`;
    });
  }

  /** Where a time is, within the part that is shown. */
  function x(at: number): number {
    const place = Math.min(1, Math.max(0, (at - from) / (to - from)));
    return Number((LEFT + place * WIDTH).toFixed(1));
  }
}

function bins(all: readonly { readonly at: number }[]): Map<number, number> {
  const groups = Map.groupBy(all, ({ at }) => Math.floor(real(at) / BIN));
  return new Map([...groups].map(([bin, some]) => [bin, some.length]));
}

function binAt(bin: number) {
  return { from: here(bin * BIN), to: here((bin + 1) * BIN) };
}

function legend(): string[] {
  const states = STATES.map((state) => [state, COLOURS[state]] as const);
  const all = [...states, ["new connections", SENT] as const, ["failed", LOST] as const];
  return all.map(([name, fill], index) => {
    const left = LEFT + index * 126;
    return `<rect x="${left}" y="36" width="12" height="12" fill="${fill}"/>` +
      text(left + 17, 46, name);
  });
}

function text(x: number, y: number, content: string, more: string = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" ${more}>${escaped}</text>`;
}
