/** What a process holds, and whether that grows. */
import { familyOf, memoryOf, openFiles } from "../process/proc.ts";

export const MEASURES = ["memory", "files", "children", "threads"] as const;
export type Measure = typeof MEASURES[number];

/** What is measured of a process: its anonymous memory in MB, and how much of each else it has. */
export type Sample = Readonly<Record<Measure, number>> & {
  /** Since the soak began. */
  readonly hours: number;
};

/** Takes a sample of a process. */
export async function sample(pid: number, hours: number): Promise<Sample> {
  const { anonymous } = await memoryOf(pid);
  return { hours, memory: anonymous, files: openFiles(pid), ...await familyOf(pid) };
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
  const sum = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0);
  const [meanX, mean] = [sum(({ x }) => x) / points.length, sum(({ y }) => y) / points.length];
  const spread = sum(({ x }) => (x - meanX) ** 2);
  const slope = sum(({ x, y }) => (x - meanX) * (y - mean)) / spread;
  const rest = sum(({ x, y }) => (y - mean - slope * (x - meanX)) ** 2);
  return { mean, slope, error: Math.sqrt(rest / Math.max(1, points.length - 2) / spread) };
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
