/**
 * `deno task run tests/monitoring/picture.ts`: draws the dashboard of `deploy/monitoring/` as
 * `docs/dashboard.svg`, from what a real Prometheus answers to its queries after a bad minute in a
 * fleet. Needs Debian's package `prometheus`. It fails where a panel stays empty.
 */
import { connect } from "node:net";
import { ROOT } from "../../tools/deno.ts";
import { type Line, Scene } from "./scene.ts";

/** A panel, as far as it is drawn. */
interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig: { readonly defaults: { readonly unit: string; readonly custom: Custom } };
}

interface Custom {
  readonly stacking: { readonly mode: string };
}

/** A line with its name in the legend. */
interface Named extends Line {
  readonly name: string;
}

/** In milliseconds. */
const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

/** What the alerts are about, one after the other. */
async function badMinute(scene: Scene): Promise<void> {
  await Promise.all(Array.from({ length: 5 }, () => scene.startPod("-watch-interval=2s")));
  const [first, second, third, fourth] = scene.pods;
  if (!first || !second || !third || !fourth) throw new Error("five pods were started");
  for (const { sidecar } of scene.pods) await sidecar.line(/serving until/);
  await pause(5_000);
  // A client that holds a connection, a drain that waits for it, and a kubelet that is refused.
  const client = connect({ host: first.address, port: 8443, localAddress: "127.30.0.99" });
  const drained = fetch(`${first.url}/drain`).then((response) => response.text());
  await fetch(`${second.url}/drain`, { headers: { "user-agent": "Mozilla/5.0" } })
    .then((response) => response.text());
  await pause(9_000);
  client.destroy();
  await drained;
  await pause(2_000);
  first.sidecar.signal("SIGTERM");
  scene.emulator.deregisterByOther("edge", { id: second.address, port: 8443 });
  await pause(6_000);
  scene.emulator.addFault({
    ...{ action: "DescribeTargetHealth", occurrence: { probability: 0.4 }, what: "throttle" },
  });
  // An application that died, and a stop without a drain, with a hook that fails.
  third.application.close();
  const last = await scene.startPod(
    "-pre-deregister-command=exit 3",
    "-post-deregister-command=sleep 4",
  );
  await last.sidecar.line(/serving until/);
  await pause(5_000);
  last.sidecar.signal("SIGTERM");
  await pause(10_000);
}

const COLOURS = [
  "#73bf69",
  "#5794f2",
  "#f2cc0c",
  "#f2495c",
  "#b877d9",
  "#ff9830",
  "#8ab8ff",
  "#96d98d",
];
const [WIDTH, HEIGHT, GAP, COLUMNS] = [380, 190, 10, 3] as const;

/** One panel at its place in the picture. */
function drawn({ title, fieldConfig }: Panel, lines: readonly Named[], at: number): string {
  const [x, y] = [
    (at % COLUMNS) * (WIDTH + GAP) + GAP,
    Math.floor(at / COLUMNS) * (HEIGHT + GAP) + GAP,
  ];
  const { unit, custom } = fieldConfig.defaults;
  const shown = custom.stacking.mode === "normal" ? stacked(lines) : lines;
  const points = shown.flatMap((line) => line.points);
  const highest = Math.max(1e-9, ...points.map(([, value]) => value));
  const [left, base, width, height] = [44, HEIGHT - 46, WIDTH - 60, HEIGHT - 82];
  const place = (time: number, value: number) =>
    `${(left + time / end * width).toFixed(1)},${(base - value / highest * height).toFixed(1)}`;
  const text = (left: number, top: number, words: string, more = "") =>
    `<text x="${left}" y="${top}" ${more}>${
      words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    }</text>`;
  const paths = shown.map(({ points }, index) =>
    `<polyline fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.5" points="${
      points.map(([time, value]) => place(time, value)).join(" ")
    }"/>`
  );
  const legend = shown.map(({ name }, index) =>
    text(
      left + (index % 2) * 168,
      base + 22 + 11 * Math.floor(index / 2),
      name,
      `font-size="9" fill="${COLOURS[index % COLOURS.length]}"`,
    )
  );
  return `<g transform="translate(${x},${y})"><rect width="${WIDTH}" height="${HEIGHT}" rx="3" fill="#181b1f"/>
${text(10, 20, title, 'font-weight="bold"')}
<path d="M${left} ${base}h${width}M${left} ${base - height}h${width}" stroke="#2c3235"/>
${text(6, base, "0")}${
    text(6, base - height + 4, `${Number(highest.toPrecision(2))}${unit === "s" ? " s" : ""}`)
  }
${text(left + width - 22, base + 11, `${Math.round(end)} s`, 'font-size="9"')}
${paths.join("\n")}
${legend.join("")}</g>`;
}

/** Each line on top of those before it. */
function stacked(lines: readonly Named[]): Named[] {
  const sums = new Map<number, number>();
  return lines.map((line) => ({
    ...line,
    points: line.points.map(([time, value]) => {
      const second = Math.round(time);
      const sum = (sums.get(second) ?? 0) + value;
      sums.set(second, sum);
      return [time, sum] as const;
    }),
  }));
}

/** The lines of all queries of a panel that are not 0 all the time. */
async function linesOf(panel: Panel, scene: Scene): Promise<Named[]> {
  const all = await Promise.all(
    panel.targets.map(async ({ expr, legendFormat }) =>
      (await scene.query(expr)).map((line) => ({
        ...line,
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => line.labels[label] ?? ""),
      }))
    ),
  );
  return all.flat().map((line) => ({
    ...line,
    points: line.points.filter(([, value]) => Number.isFinite(value)),
  })).filter(({ points }) => points.some(([, value]) => value > 0));
}

const panels: readonly Panel[] =
  JSON.parse(await Deno.readTextFile(`${ROOT}deploy/monitoring/dashboard.json`)).panels;
await using scene = await Scene.start();
await badMinute(scene);
const lines = await Promise.all(panels.map((panel) => linesOf(panel, scene)));
const empty = panels.filter((_, at) => lines[at]?.length === 0).map(({ title }) => title);
/** Of all panels, in seconds. */
const end = Math.max(...lines.flat().flatMap(({ points }) => points.map(([time]) => time)));
const rows = Math.ceil(panels.length / COLUMNS);
const parts = panels.map((panel, at) => drawn(panel, lines[at] ?? [], at));
await Deno.writeTextFile(
  `${ROOT}docs/dashboard.svg`,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * (WIDTH + GAP) + GAP} ` +
    `${rows * (HEIGHT + GAP) + GAP}" font-family="sans-serif" font-size="11" fill="#ccccdc">` +
    `<rect width="100%" height="100%" fill="#111217"/>\n${parts.join("\n")}\n</svg>\n`,
);
if (empty.length > 0) throw new Error(`nothing to see in: ${empty.join(", ")}`);
