/** Runs hooks: what commands and webhooks have in common, timeout and log lines. */
import { durationText, type Milliseconds } from "../host/duration.ts";
import type {
  ActionOutcome,
  HookAction,
  HookContext,
  HookEvent,
  HookOutcome,
  HookPorts,
  Hooks,
  HookSettings,
} from "./hook.ts";

/** Makes the hooks port. An event for which nothing is set succeeds at once, unlogged. */
export function createHooks(
  settings: Readonly<Record<HookEvent, HookSettings>>,
  ports: HookPorts,
): Hooks {
  return {
    run: async (context, signal) => {
      const { timeout = settings[context.event].timeout } = context;
      const actions = await actionsOf(settings[context.event], ports);
      if (actions.length === 0) return { outcome: "succeeded" };
      const time = { timeout, stop: signal, deadline: ports.clock.within(timeout, signal) };
      for (const action of actions) {
        const result = await runLogged(action, context, time, ports);
        if (result.outcome !== "succeeded") return result;
      }
      return { outcome: "succeeded" };
    },
  };
}

/** Loads what is set and nothing else: most pods have no hooks at all. */
async function actionsOf(settings: HookSettings, ports: HookPorts): Promise<HookAction[]> {
  const actions: HookAction[] = [];
  if (settings.command !== undefined && settings.command !== "") {
    const { commandAction } = await import("./command.ts");
    actions.push(commandAction(settings.command, ports));
  }
  if (settings.url !== undefined && settings.url !== "") {
    const { webhookAction } = await import("./webhook.ts");
    actions.push(webhookAction(settings.url, ports));
  }
  return actions;
}

/** The time of a hook: `deadline` ends with `stop` or after `timeout`. */
interface HookTime {
  readonly timeout: Milliseconds;
  readonly stop: AbortSignal;
  readonly deadline: AbortSignal;
}

async function runLogged(
  action: HookAction,
  context: HookContext,
  time: HookTime,
  { clock, log }: HookPorts,
): Promise<HookOutcome> {
  const about = { event: context.event, ...action.fields };
  const started = clock.now();
  log.info("running hook", { ...about, timeout: durationText(time.timeout) });
  const end = await runGuarded(action, context, time);
  const result = outcomeOf(end, time);
  const fields = { ...about, took: durationText(clock.now() - started), ...end.fields };
  if (result.outcome === "succeeded") log.info("hook succeeded", fields);
  else log.warn(warningOf(result, context.event), fields);
  return result;
}

async function runGuarded(
  action: HookAction,
  context: HookContext,
  { timeout, deadline }: HookTime,
): Promise<ActionOutcome> {
  // A timeout of 0 is over before it begins, as in Go; half a command is worse than none.
  if (timeout <= 0 || deadline.aborted) return { outcome: "interrupted", fields: {} };
  try {
    return await action.run(context, deadline);
  } catch (error) {
    return { outcome: "failed", reason: `unexpected error: ${String(error)}`, fields: {} };
  }
}

function outcomeOf(end: ActionOutcome, { timeout, stop, deadline }: HookTime): HookOutcome {
  switch (end.outcome) {
    case "succeeded":
      return { outcome: "succeeded" };
    case "failed":
      return { outcome: "failed", reason: end.reason };
    case "interrupted": {
      // Both may have ended by now; a joined signal keeps the reason of the one that was first.
      const stopped = stop.aborted && deadline.reason === stop.reason;
      return stopped ? { outcome: "cut-short" } : { outcome: "timed-out", after: timeout };
    }
  }
}

function warningOf(
  result: Exclude<HookOutcome, { outcome: "succeeded" }>,
  event: HookEvent,
): string {
  switch (result.outcome) {
    case "failed":
      return `hook failed: ${result.reason}`;
    case "timed-out":
      return `hook timed out and was killed: raise -${event}-timeout if it needs longer`;
    case "cut-short":
      return "hook was killed by a stop request";
  }
}
