/** What the tests of hooks share: a log to look into, a clock to stop, processes to look at. */
import { type Clock, sleep, systemClock } from "../../../lib/host/clock.ts";
import type { HookContext, HookEvent, HookOutcome, HookSettings } from "../../../lib/hooks/hook.ts";
import { createHooks } from "../../../lib/hooks/runner.ts";
import { type Entry, KeptLog } from "../kept_log.ts";

/** A log that can be waited for. */
export class HookLog extends KeptLog {
  #next = Promise.withResolvers<void>();

  override onLine = () => {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  };

  /** The lines that the hook printed so far. */
  get output(): string[] {
    return this.entries.filter(isOutput).map(({ fields }) => String(fields.line));
  }

  /** Waits for the hook to print a line that matches. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const find = () =>
      this.output.map((line) => pattern.exec(line)).find((match) => match !== null);
    for (let match = find();; match = find()) {
      if (match !== undefined && match !== null) return match;
      await this.#next.promise;
    }
  }

  /** Waits for a line. */
  async has(isIt: (entry: Entry) => boolean): Promise<void> {
    while (!this.entries.some(isIt)) await this.#next.promise;
  }
}

export function isOutput({ message }: Entry): boolean {
  return message === "hook output";
}

/** The real clock, but that the second until SIGKILL takes a tenth of one. */
const quickClock: Clock = { ...systemClock, now: () => systemClock.now() * 10 };

/** The same for every wait: for commands whose output is not what counts. */
export const hastyClock: Clock = {
  ...quickClock,
  within: (time, ...signals) => systemClock.within(time / 10, ...signals),
};

/** A slower one, so that a busy machine does not use up the time until SIGKILL. */
export const slowClock: Clock = { ...systemClock, now: () => systemClock.now() / 4 };

/** A time that no test waits for: the clock of `startHook` ends it by `expire`. */
export const TIMEOUT = 60_000;

export interface StartedHook {
  readonly log: HookLog;
  readonly result: Promise<HookOutcome>;
  /** Asks for a stop. */
  stop(): void;
  /** Lets the hook's time be up. */
  expire(): void;
}

export interface HookOptions {
  readonly shell?: boolean;
  readonly event?: HookEvent;
  readonly timeout?: number;
  /** Stands in for a quick one. */
  readonly clock?: Clock;
  readonly stop?: AbortController;
}

/** Starts a hook, by default with one command, through the door that everybody uses. */
export function startHook(
  actions: string | Omit<HookSettings, "timeout">,
  options: HookOptions = {},
): StartedHook {
  const { event = "post-register", timeout = TIMEOUT, shell = true } = options;
  const log = new HookLog();
  const stop = options.stop ?? new AbortController();
  const time = new AbortController();
  const inner = options.clock ?? quickClock;
  const clock: Clock = {
    ...inner,
    within: (span, ...signals) =>
      span === TIMEOUT
        ? AbortSignal.any([time.signal, ...signals])
        : inner.within(span, ...signals),
  };
  const given = typeof actions === "string" ? { command: actions } : actions;
  const hooks = createHooks({ ...NO_HOOKS, [event]: { ...given, timeout } }, { clock, log, shell });
  return {
    log,
    result: hooks.run(contextOf(event, timeout), stop.signal),
    stop: () => stop.abort(new Error("a stop was requested")),
    expire: () => time.abort(new DOMException("the time is up", "TimeoutError")),
  };
}

/** Runs a hook to its end. */
export async function runHook(
  command: string,
  options: HookOptions = {},
): Promise<{ outcome: HookOutcome; log: HookLog; last: Entry }> {
  const { result, log } = startHook(command, options);
  return { outcome: await result, log, last: lastOf(log) };
}

export function lastOf(log: HookLog): Entry {
  const last = log.entries.at(-1);
  if (last === undefined) throw new Error("nothing was logged");
  return last;
}

export const NO_HOOKS: Readonly<Record<HookEvent, HookSettings>> = {
  "pre-register": { timeout: TIMEOUT },
  "post-register": { timeout: TIMEOUT },
  "pre-deregister": { timeout: TIMEOUT },
  "post-deregister": { timeout: TIMEOUT },
};

export function contextOf(event: HookEvent, timeout = TIMEOUT): HookContext {
  const target = { targetId: "10.0.0.7", targetGroupArns: ["arn:one", "arn:two"] };
  return { event, timeout, state: "in-service", ...target };
}

/** The state of a process as the kernel names it, such as `S`, `T`, `Z`; `undefined`: reaped. */
export function processState(pid: number): string | undefined {
  try {
    // The name in brackets may hold anything, spaces and brackets too.
    return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").charAt(0);
  } catch {
    return undefined;
  }
}

/** Whether a process is running. One that is dead and not reaped by its adopter is not. */
export function isRunning(pid: number): boolean {
  const state = processState(pid);
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Waits until something holds that nobody tells of; fails after a long time. */
export async function becomes(what: string, holds: () => boolean): Promise<void> {
  const end = systemClock.now() + 10_000;
  while (!holds()) {
    if (systemClock.now() > end) throw new Error(`it did not come to pass: ${what}`);
    await sleep(systemClock.within(5));
  }
}

/** Waits until a process has ended: a process that got SIGKILL needs a moment of a processor. */
export async function hasEnded(pid: number): Promise<void> {
  await becomes(`process ${pid} has ended`, () => !isRunning(pid));
}

/** Lends the name of a FIFO: a command uses it to wait for its children, instead of for time. */
export async function withFifo(use: (fifo: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const fifo = `${folder}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    await use(fifo);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
