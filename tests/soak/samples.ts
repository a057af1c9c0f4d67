/** What a process holds, and whether that grows. */

/** What is measured of a process. */
export interface Sample {
  /** Since the soak began. */
  readonly hours: number;
  /** Anonymous memory in MiB: what the process itself allocated. */
  readonly memory: number;
  readonly files: number;
  readonly children: number;
  readonly threads: number;
}

export const MEASURES = ["memory", "files", "children", "threads"] as const;
export type Measure = typeof MEASURES[number];

/** Looks at a process by `/proc`. */
export async function sample(pid: number, hours: number): Promise<Sample> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  return {
    hours,
    memory: number("RssAnon") / 1_024,
    threads: number("Threads"),
    files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    children: children.split(" ").filter((one) => one !== "").length,
  };
}

/** A straight line through samples. */
export interface Trend {
  readonly mean: number;
  /** Per hour. */
  readonly slope: number;
  /** The slope's standard error, per hour: what it can be by chance. */
  readonly error: number;
}

/** Fits a line by least squares. */
export function trend(points: readonly { readonly x: number; readonly y: number }[]): Trend {
  const count = points.length;
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / count;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce(
    (sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2,
    0,
  );
  const error = Math.sqrt(rest / Math.max(1, count - 2) / spread);
  return { mean: meanY, slope, error };
}

/** So much more after a day would still be nothing: a slope below it is flat, whatever the error. */
const NEGLIGIBLE: Readonly<Record<Measure, number>> = {
  memory: 0.25,
  files: 0.1,
  children: 0.02,
  threads: 0.1,
};

/** Whether a trend says that something grows: more than by chance, and more than nothing. */
export function grows(measure: Measure, { slope, error }: Trend): boolean {
  return slope - 3 * error > NEGLIGIBLE[measure];
}
