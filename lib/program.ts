/** The program: from arguments and environment to an exit code. */
import { type Config, type InputErrors, readConfig } from "./config/config.ts";
import { hasCredentialProcess } from "./aws/credentials/shared_files.ts";
import { shellExists } from "./hooks/words.ts";
import { type Connections, openConnections } from "./host/connections.ts";
import { EXIT } from "./host/exit.ts";
import { createLog, type Log } from "./host/log.ts";
import { giveBack, lackingPermissions, LEAST_NEEDS, type Needs } from "./host/permissions.ts";
import { noProxy } from "./host/proxy.ts";
import { logStops, type StopSignals } from "./host/signals.ts";
import { openTerminationLog, type TerminationLog } from "./host/termination_log.ts";
import { type LifecycleOutcome, outcomeOf } from "./lifecycle/outcome.ts";
import type { World } from "./pod.ts";
import { versionText } from "./version.ts";

/** What a process is started with. */
export interface Start {
  readonly args: readonly string[];
  /** Deno has to allow it. */
  readonly env: () => Readonly<Record<string, string>>;
  /** Changes a variable for this process and its children. */
  readonly setEnv: (name: string, value: string) => void;
  readonly signals: StopSignals;
}

/** Runs the program; the result is its exit code. */
export async function run({ args, env: readEnv, setEnv, signals }: Start): Promise<number> {
  const lacking = lackingPermissions(LEAST_NEEDS);
  if (lacking.length > 0) return notAllowed(lacking);
  const env = readEnv();
  const direct = noProxy(env);
  if (direct !== undefined) setEnv("NO_PROXY", direct);
  const shell = shellExists();
  const reading = readConfig(args, env, { shell });
  switch (reading.kind) {
    case "help":
      console.error(reading.text);
      return EXIT.done;
    case "version":
      console.log(versionText());
      return EXIT.done;
    case "errors":
      return usageError(reading);
    case "run":
      return await runSidecar(reading, { env, signals, shell });
  }
}

/** Deno would say so too, of one permission after the other and in the middle of a life. */
function notAllowed(options: readonly string[]): number {
  console.error(
    `Deno does not allow what the sidecar needs: start it by deno run ${options.join(" ")}, or -A`,
  );
  return EXIT.usage;
}

async function runSidecar(
  { config, warnings }: { config: Config; warnings: readonly string[] },
  { env, signals, shell }: {
    env: Readonly<Record<string, string>>;
    signals: StopSignals;
    shell: boolean;
  },
): Promise<number> {
  const needs = needsOf(config, env);
  const lacking = lackingPermissions(needs);
  if (lacking.length > 0) return notAllowed(lacking);
  const log = createLog(config.log);
  logStops(signals, log);
  for (const warning of warnings) log.warn(warning);
  using terminationLog = openTerminationLog(config.terminationLog, log);
  using connections = config.drain.idle ? connectionsOrWarning(log) : undefined;
  // What has to be opened with all permissions is open now.
  log.debug("permissions given back, except", { permissions: giveBack(needs) });
  return end(await sidecar(config, { log, signals, shell, connections }), terminationLog, log);
}

function connectionsOrWarning(log: Log): Connections | undefined {
  const opened = openConnections();
  if ("connections" in opened) return opened.connections;
  log.warn(opened.warning);
  return undefined;
}

function needsOf({ hooks }: Config, env: Readonly<Record<string, string>>): Needs {
  return {
    commands: Object.values(hooks).some(({ command = "" }) => command !== "") ||
      hasCredentialProcess(env),
    homeFolder: (env["HOME"] ?? "") === "",
  };
}

/**
 * Bad input: every error at once, and nothing is touched. Go prints the usage text too; its more
 * than a hundred lines would hide the errors.
 */
function usageError({ errors, logFormat, terminationLog }: InputErrors): number {
  const log = createLog({ format: logFormat, level: "warn" });
  if (logFormat === "json") {
    for (const error of errors) log.error(error, { exit_code: EXIT.usage });
  } else {
    console.error([...errors, "run with -h for usage"].join("\n"));
  }
  using file = openTerminationLog(terminationLog, log);
  file.write(errors.join("; "));
  return EXIT.usage;
}

/** The SDK is loaded from here and not before: usage faults and `-h` do without it. */
async function sidecar(config: Config, world: World): Promise<LifecycleOutcome> {
  try {
    const { runInPod } = await import("./pod.ts");
    return await runInPod(config, world);
  } catch (fault) {
    return outcomeOf(fault, "stopped before anything was registered");
  }
}

/** The last words: log line, termination log, exit code. */
function end(
  { exit, message }: LifecycleOutcome,
  terminationLog: TerminationLog,
  log: Log,
): number {
  const code = EXIT[exit];
  if (exit === "done") {
    log.info(message, { exit_code: code });
  } else {
    terminationLog.write(message);
    log.error(message, { exit_code: code });
  }
  return code;
}
