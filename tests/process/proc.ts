/** What Linux says of a process in `/proc`. */
import { assert } from "@std/assert";
import { pause } from "../emulator/pause.ts";

/** The memory of a process, in MB of 1024 × 1024 bytes. */
export interface Memory {
  readonly resident: number;
  /** What the process itself allocated: no page of a file, so nothing that others may share. */
  readonly anonymous: number;
  /** Pages that several processes map count in parts: the sum over a node is what the node pays. */
  readonly proportional: number;
  /** The most that was resident at any time. */
  readonly peak: number;
}

/** @throws {Deno.errors.NotFound} The process has ended. */
export async function memoryOf(pid: number): Promise<Memory> {
  const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    resident: numberIn(rollup, "Rss") / 1_024,
    anonymous: numberIn(rollup, "Anonymous") / 1_024,
    proportional: numberIn(rollup, "Pss") / 1_024,
    peak: numberIn(status, "VmHWM") / 1_024,
  };
}

/** What a process has done since its start. */
export interface Activity {
  readonly cpuMs: number;
  /** How often one of its threads went to sleep, and so was woken before. */
  readonly wakeUps: number;
}

/** A clock tick of `/proc/PID/stat`: Linux says 100 a second on every machine that Deno runs on. */
const TICK_MS = 10;

/** @throws {Deno.errors.NotFound} The process has ended. */
export async function activityOf(pid: number): Promise<Activity> {
  let [ticks, wakeUps] = [0, 0];
  for (const task of tasksOf(pid)) {
    // The 14th and 15th field of the line: time in user mode, time in the kernel.
    const fields = (await statOf(task)).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
    const status = await Deno.readTextFile(`${task}/status`);
    wakeUps += numberIn(status, "voluntary_ctxt_switches");
  }
  return { cpuMs: ticks * TICK_MS, wakeUps };
}

/** Whether none of its threads runs. @throws {Deno.errors.NotFound} It has ended, or a thread has. */
export async function sleeps(pid: number): Promise<boolean> {
  const stats = await Promise.all(tasksOf(pid).map(statOf));
  return stats.every((stat) => stat.startsWith("S"));
}

/** How many files and connections it has open. @throws {Deno.errors.NotFound} It has ended. */
export function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** How many threads and children it has. @throws {Deno.errors.NotFound} It has ended. */
export async function familyOf(pid: number): Promise<{ threads: number; children: number }> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  return { threads: tasksOf(pid).length, children: children.split(" ").filter(Boolean).length };
}

/** So long the kernel may be at the end of a process that was killed. */
const PATIENCE = 5_000;

/** Waits until all are gone; a zombie is. @throws {AssertionError} One stays. */
export async function allEnd(pids: readonly (number | string)[]): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE);
  for (const pid of pids) {
    while (await isAlive(pid)) assert(await pause(5, patience), `process ${pid} is alive`);
  }
}

async function isAlive(pid: number | string): Promise<boolean> {
  return !(await statOf(`/proc/${pid}`).catch(() => "Z")).startsWith("Z");
}

function tasksOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => `/proc/${pid}/task/${name}`);
}

/** The fields behind the name, which is in brackets and may hold anything: the state is the first. */
async function statOf(folder: string): Promise<string> {
  const stat = await Deno.readTextFile(`${folder}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2);
}

function numberIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? NaN);
}
