/** Runs hooks: what commands and webhooks have in common, timeout and log lines. */
import { durationText } from "../host/duration.ts";
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
    run: async (context, stop) => {
      const actions = await actionsOf(settings[context.event], ports);
      if (actions.length === 0) return { outcome: "succeeded" };
      const deadline = ports.clock.within(context.timeout, stop);
      let result: HookOutcome = { outcome: "succeeded" };
      for (const action of actions) {
        result = await runLogged(action, context, { stop, deadline }, ports);
        if (result.outcome !== "succeeded") break;
      }
      ports.onEnd?.(context.event, result);
      return result;
    },
  };
}

/** Loads what is set and nothing else: most pods have no hooks at all. */
async function actionsOf(
  { command, url }: HookSettings,
  ports: HookPorts,
): Promise<HookAction[]> {
  const actions: HookAction[] = [];
  if (command !== undefined) {
    const { commandAction } = await import("./command.ts");
    actions.push(commandAction(command, ports));
  }
  if (url !== undefined) {
    const { webhookAction } = await import("./webhook.ts");
    actions.push(webhookAction(url, ports));
  }
  return actions;
}

/** What ends a hook: `deadline` ends with `stop` or when the hook's time is up. */
interface HookTime {
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
  log.info("running hook", { ...about, timeout: durationText(context.timeout) });
  const end = await runGuarded(action, context, time.deadline);
  const result = outcomeOf(end, time);
  const fields = { ...about, took: durationText(clock.now() - started), ...end.fields };
  log[result.outcome === "succeeded" ? "info" : "warn"](messageOf(result, context.event), fields);
  return result;
}

async function runGuarded(
  action: HookAction,
  context: HookContext,
  deadline: AbortSignal,
): Promise<ActionOutcome> {
  // A timeout of 0 is over before it begins, as in Go; half a command is worse than none.
  if (context.timeout <= 0 || deadline.aborted) return { outcome: "interrupted", fields: {} };
  try {
    return await action.run(context, deadline);
  } catch (error) {
    return { outcome: "failed", reason: `unexpected error: ${String(error)}`, fields: {} };
  }
}

function outcomeOf(
  { fields: _, ...end }: ActionOutcome,
  { stop, deadline }: HookTime,
): HookOutcome {
  if (end.outcome !== "interrupted") return end;
  // Both may have ended by now; a joined signal keeps the reason of the one that was first.
  const stopped = stop.aborted && deadline.reason === stop.reason;
  return { outcome: stopped ? "cut-short" : "timed-out" };
}

function messageOf(result: HookOutcome, event: HookEvent): string {
  switch (result.outcome) {
    case "succeeded":
      return "hook succeeded";
    case "failed":
      return `hook failed: ${result.reason}`;
    case "timed-out":
      return `hook timed out and was killed: raise -${event}-timeout if it needs longer`;
    case "cut-short":
      return "hook was killed by a stop request";
  }
}
