/** What the tests of hooks share: a log to look into, a clock to stop, processes to look at. */
import { type Clock, sleep, systemClock } from "../../../lib/host/clock.ts";
import type { Log, LogFields } from "../../../lib/host/log.ts";
import type { HookContext, HookEvent, HookOutcome, HookSettings } from "../../../lib/hooks/hook.ts";
import { createHooks } from "../../../lib/hooks/runner.ts";

export interface Entry {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export class RecordedLog implements Log {
  readonly entries: Entry[] = [];
  readonly #waiting = new Set<() => void>();

  debug = (message: string, fields?: LogFields): void => this.#add("debug", message, fields);
  info = (message: string, fields?: LogFields): void => this.#add("info", message, fields);
  warn = (message: string, fields?: LogFields): void => this.#add("warn", message, fields);
  error = (message: string, fields?: LogFields): void => this.#add("error", message, fields);

  /** The lines that the hook printed so far. */
  get output(): string[] {
    return this.entries.filter(isOutput).map(({ fields }) => String(fields.line));
  }

  /** Waits for the hook to print a line that matches. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.output) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Waits for a line. */
  async has(isIt: (entry: Entry) => boolean): Promise<void> {
    while (!this.entries.some(isIt)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #add(level: keyof Log, message: string, fields: LogFields = {}): void {
    this.entries.push({ level, message, fields });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

export function isOutput({ message }: Entry): boolean {
  return message === "hook output";
}

/** The real clock, but that the second until SIGKILL takes a tenth of one. */
const quickClock: Clock = { ...systemClock, now: () => systemClock.now() * 10 };

/** A slower one, so that a busy machine does not use up the time until SIGKILL. */
export const slowClock: Clock = { ...systemClock, now: () => systemClock.now() / 4 };

/** A time that no test waits for: the clock of `startHook` ends it by `expire`. */
export const TIMEOUT = 60_000;

export interface StartedHook {
  readonly log: RecordedLog;
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

/** Starts a hook with one command, through the door that everybody uses. */
export function startHook(command: string, options: HookOptions = {}): StartedHook {
  const { event = "post-register", timeout = TIMEOUT, shell = true } = options;
  const log = new RecordedLog();
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
  const hooks = createHooks({ ...NO_HOOKS, [event]: { command, timeout } }, { clock, log, shell });
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
): Promise<{ outcome: HookOutcome; log: RecordedLog; last: Entry }> {
  const { result, log } = startHook(command, options);
  return { outcome: await result, log, last: lastOf(log) };
}

export function lastOf(log: RecordedLog): Entry {
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
