/** A command as what a hook does. */
import { abortable } from "@std/async/abortable";
import type { Milliseconds } from "../host/duration.ts";
import type { LogFields } from "../host/log.ts";
import { withoutSecrets } from "../host/public_part.ts";
import type { ActionOutcome, HookAction, HookContext, HookPorts } from "./hook.ts";
import { Output } from "./output.ts";
import { endGroup } from "./process_group.ts";
import { SHELL, splitWords } from "./words.ts";

/** How long to wait for what cannot fail to come once all processes have ended. */
const AFTERMATH: Milliseconds = 1_000;

/** `detached` makes the child call setsid(2), so that it leads a process group of its own. */
const STDIO = { detached: true, stdin: "null", stdout: "piped", stderr: "piped" } as const;

/**
 * Makes a command something that a hook does: run by the shell, or where there is none started
 * directly. Nothing of it outlives the run, not even what it leaves in the background.
 */
export function commandAction(command: string, ports: HookPorts): HookAction {
  return {
    fields: { command: withoutSecrets(command) },
    run: (context, signal) => runCommand(command, context, signal, ports),
  };
}

async function runCommand(
  command: string,
  context: HookContext,
  signal: AbortSignal,
  ports: HookPorts,
): Promise<ActionOutcome> {
  let child: Deno.ChildProcess;
  try {
    child = startCommand(command, context, ports.shell);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { outcome: "failed", reason: `it could not be started: ${why}`, fields: {} };
  }
  const output = new Output(ports, { event: context.event });
  output.read("stdout", child.stdout);
  output.read("stderr", child.stderr);

  const own = await statusWithin(child, signal);
  // The command's own end leaves background processes; the Go program let them run on.
  await endAll(child, context, ports);
  const status = own ?? await statusWithin(child, ports.clock.within(AFTERMATH));
  await output.end(ports.clock.within(AFTERMATH));

  const fields = { ...howItEnded(status), ...output.dropped };
  if (own?.success) return { outcome: "succeeded", fields };
  const explained = { ...fields, ...output.tail };
  if (own === undefined) return { outcome: "interrupted", fields: explained };
  const reason = own.signal === null ? `exit code ${own.code}` : `signal ${own.signal}`;
  return { outcome: "failed", reason, fields: explained };
}

/** @throws {Error} It cannot be started. */
function startCommand(command: string, context: HookContext, shell: boolean): Deno.ChildProcess {
  const [program = "", ...args] = shell ? [SHELL, "-c", command] : splitWords(command);
  const env = {
    NLB_REGISTRATOR_EVENT: context.event,
    NLB_REGISTRATOR_TARGET_ID: context.targetId,
    NLB_REGISTRATOR_TARGET_GROUP_ARNS: context.targetGroupArns.join(","),
    ...(context.quicServerIds && {
      NLB_REGISTRATOR_QUIC_SERVER_ID: context.quicServerIds.join(","),
    }),
  };
  return new Deno.Command(program, { args, env, ...STDIO }).spawn();
}

async function statusWithin(
  child: Deno.ChildProcess,
  signal: AbortSignal,
): Promise<Deno.CommandStatus | undefined> {
  return await abortable(child.status, signal).catch(() => undefined);
}

async function endAll(
  { pid, status }: Deno.ChildProcess,
  { event }: HookContext,
  { clock, log, reap }: HookPorts,
): Promise<void> {
  // Deno itself reaps the command's own process, and nothing else may.
  let isReaped = false;
  status.then(() => isReaped = true);
  try {
    await endGroup(pid, clock, () => isReaped && reap?.(pid));
  } catch (error) {
    const message = "processes of the hook keep running, as the sidecar may not signal them: " +
      "its command must not change its user";
    log.warn(message, { event, process_group: pid, error: String(error) });
  }
}

function howItEnded(status: Deno.CommandStatus | undefined): LogFields {
  if (status === undefined) return {};
  return status.signal === null ? { exit_code: status.code } : { signal: status.signal };
}
