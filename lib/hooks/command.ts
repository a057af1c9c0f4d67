/** A command as what a hook does. */
import { abortable } from "@std/async/abortable";
import type { Milliseconds } from "../host/duration.ts";
import type { ActionOutcome, HookAction, HookContext, HookPorts } from "./hook.ts";
import { Output } from "./output.ts";
import { endGroup } from "./process_group.ts";
import { SHELL, splitWords } from "./words.ts";

/** How long to wait for what cannot fail to come once all processes have ended. */
const AFTERMATH: Milliseconds = 1_000;

/**
 * Makes a command something that a hook does: run by the shell, or where there is none started
 * directly. Nothing of it outlives the run, not even what it leaves in the background.
 */
export function commandAction(command: string, ports: HookPorts): HookAction {
  return {
    fields: { command },
    run: (context, signal) => runCommand(command, context, signal, ports),
  };
}

async function runCommand(
  command: string,
  context: HookContext,
  signal: AbortSignal,
  ports: HookPorts,
): Promise<ActionOutcome> {
  const start = startCommand(command, context, ports.shell);
  if (start.kind === "error") return { outcome: "failed", reason: start.reason, fields: {} };
  const { child } = start;
  const output = new Output(ports, { event: context.event });
  output.read("stdout", child.stdout);
  output.read("stderr", child.stderr);

  const own = await abortable(child.status, signal).catch(() => undefined);
  // The command's own end leaves background processes; the Go program let them run on.
  await endAll(child, context, ports);
  const status = own ?? await ending(child, ports);
  await output.end(ports.clock.within(AFTERMATH));
  return outcomeOf(own, status, output);
}

type Start =
  | { readonly kind: "started"; readonly child: Deno.ChildProcess }
  | { readonly kind: "error"; readonly reason: string };

function startCommand(command: string, context: HookContext, shell: boolean): Start {
  const split = shell
    ? { kind: "words", words: [SHELL, "-c", command] } as const
    : splitWords(command);
  if (split.kind === "error") {
    return { kind: "error", reason: `it needs a shell, and there is none: ${split.reason}` };
  }
  const [program = "", ...args] = split.words;
  try {
    const options = { args, env: environment(context), ...STDIO };
    return { kind: "started", child: new Deno.Command(program, options).spawn() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "error", reason: `it could not be started: ${why}` };
  }
}

/** `detached` makes the child call setsid(2), so that it leads a process group of its own. */
const STDIO = { detached: true, stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** What the command gets to know, besides the sidecar's own environment. */
function environment(context: HookContext): Record<string, string> {
  return {
    NLB_REGISTRATOR_EVENT: context.event,
    NLB_REGISTRATOR_TARGET_ID: context.targetId,
    NLB_REGISTRATOR_TARGET_GROUP_ARNS: context.targetGroupArns.join(","),
  };
}

async function endAll(
  { pid, status }: Deno.ChildProcess,
  { event }: HookContext,
  { clock, log, reap }: HookPorts,
): Promise<void> {
  // Deno itself reaps the command's own process, and nothing else may.
  let isReaped = false;
  status.then(() => isReaped = true);
  const end = await endGroup(pid, { clock, reap: () => isReaped && reap?.(pid) });
  if (end.outcome === "refused") {
    const message = "processes of the hook keep running, as the sidecar may not signal them: " +
      "its command must not change its user";
    log.warn(message, { event, process_group: pid, error: end.reason });
  }
}

/** The status of a child that was ended; `undefined` for one that could not be. */
function ending(
  child: Deno.ChildProcess,
  { clock }: HookPorts,
): Promise<Deno.CommandStatus | undefined> {
  return abortable(child.status, clock.within(AFTERMATH)).catch(() => undefined);
}

/** @param own The status where the command ended by itself. */
function outcomeOf(
  own: Deno.CommandStatus | undefined,
  status: Deno.CommandStatus | undefined,
  output: Output,
): ActionOutcome {
  const fields = { ...howItEnded(status), ...output.dropped };
  if (own?.success) return { outcome: "succeeded", fields };
  const explained = { ...fields, ...output.tail };
  if (own === undefined) return { outcome: "interrupted", fields: explained };
  const reason = own.signal === null ? `exit code ${own.code}` : `signal ${own.signal}`;
  return { outcome: "failed", reason, fields: explained };
}

function howItEnded(
  status: Deno.CommandStatus | undefined,
): { signal?: string; exit_code?: number } {
  if (status === undefined) return {};
  return status.signal === null ? { exit_code: status.code } : { signal: status.signal };
}
