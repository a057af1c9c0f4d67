/** The program: from arguments and environment to an exit code. */
import { hasCredentialProcess } from "./aws/credentials/shared_files.ts";
import { type Config, type InputErrors, readConfig, type Reading } from "./config/config.ts";
import { commandError, shellExists } from "./hooks/words.ts";
import { openConnections } from "./host/connections.ts";
import { EXIT } from "./host/exit.ts";
import type { LineWriter } from "./host/line_writer.ts";
import { createLog, droppedLine, type Log, printable } from "./host/log.ts";
import { giveBack, lackingPermissions, LEAST_NEEDS, type Needs } from "./host/permissions.ts";
import { noProxy } from "./host/proxy.ts";
import { openReaper, type Reap } from "./host/reaper.ts";
import { describe, logStops, type StopListener } from "./host/signals.ts";
import { openStateFile } from "./host/state_file.ts";
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
  readonly signals: StopListener;
  readonly stdout: LineWriter;
  readonly stderr: LineWriter;
}

/** Runs the program; the result is its exit code. What it wrote to stderr may be on its way. */
export async function run(start: Start): Promise<number> {
  const lacking = lackingPermissions(LEAST_NEEDS);
  if (lacking.length > 0) return notAllowed(lacking, start.stderr);
  const env = start.env();
  const direct = noProxy(env);
  if (direct !== undefined) start.setEnv("NO_PROXY", direct);
  const shell = shellExists();
  const reading = readConfig(start.args, env, {
    commandError: (command) => commandError(command, shell),
  });
  switch (reading.kind) {
    case "help":
      start.stderr.write(reading.text);
      return EXIT.done;
    case "version":
      start.stdout.write(versionText());
      await start.stdout.flush();
      return EXIT.done;
    case "errors":
      return await usageError(reading, start.stderr);
    case "run":
      return await runSidecar(reading, start, { env, shell });
  }
}

/** Deno would report one permission after the other, and in the middle of a lifecycle. */
function notAllowed(options: readonly string[], stderr: LineWriter): number {
  stderr.write(
    `Deno denies a permission that the sidecar needs: start it with deno run ${
      options.join(" ")
    }, or -A`,
  );
  return EXIT.usage;
}

async function runSidecar(
  { config, warnings: ofFlags }: Extract<Reading, { kind: "run" }>,
  { signals, stdout, stderr }: Start,
  { env, shell }: { readonly env: Readonly<Record<string, string>>; readonly shell: boolean },
): Promise<number> {
  const needs = needsOf(config, env);
  const lacking = lackingPermissions(needs);
  if (lacking.length > 0) return notAllowed(lacking, stderr);
  const log = openLog({ ...config.log, secrets: secretsOf(env) }, stderr);
  logStops(signals, log);
  signals.onLaterError = (error) =>
    log.error("unexpected error while stopping", { error: describe(error) });
  const warnings = [...ofFlags];
  const reap = Deno.pid === 1 && hasCommands(config) ? reaperOrWarning(warnings) : undefined;
  using terminationLog = openTerminationLog(config.terminationLog, log);
  using connections = config.drain.idle
    ? openConnections((warning) => warnings.push(warning))
    : undefined;
  using stateFile = config.stateFile &&
    openStateFile(config.stateFile, log, (warning) => warnings.push(warning));
  // What has to be opened with all permissions is open now.
  log.debug("permissions kept", { permissions: giveBack(needs) });
  const world = { log, signals, stdout, shell, reap, connections, stateFile, warnings };
  return await end(await sidecar(config, world), terminationLog, log);
}

/** Keys that a hook inherits, and may print; none of AWS is shorter. */
function secretsOf(env: Readonly<Record<string, string>>): string[] {
  const names = ["SECRET_ACCESS_KEY", "SESSION_TOKEN", "CONTAINER_AUTHORIZATION_TOKEN"];
  return names.map((name) => env[`AWS_${name}`] ?? "").filter(({ length }) => length >= 16);
}

function openLog(
  settings: Omit<Parameters<typeof createLog>[0], "write">,
  stderr: LineWriter,
): Log {
  const log = createLog({ ...settings, write: (line) => stderr.write(line) });
  stderr.droppedLine = (lines) => droppedLine(settings.format, lines);
  return log;
}

function reaperOrWarning(warnings: string[]): Reap | undefined {
  const reap = openReaper();
  if (reap === undefined) {
    warnings.push(
      "as process 1 the sidecar cannot reap what a hook's command leaves in the background: set " +
        "shareProcessNamespace in the pod, or start the sidecar by an init such as tini",
    );
  }
  return reap;
}

function needsOf(config: Config, env: Readonly<Record<string, string>>): Needs {
  return {
    commands: hasCommands(config) || hasCredentialProcess(env),
    homeFolder: (env["HOME"] ?? "") === "",
  };
}

function hasCommands({ hooks }: Config): boolean {
  return Object.values(hooks).some(({ command = "" }) => command !== "");
}

/**
 * Bad input: every error at once, and nothing is touched. Go prints the usage text too; its more
 * than a hundred lines would hide the errors.
 */
async function usageError(
  { errors, logFormat, terminationLog }: InputErrors,
  stderr: LineWriter,
): Promise<number> {
  const log = openLog({ format: logFormat, level: "warn" }, stderr);
  if (logFormat === "json") {
    for (const error of errors) log.error(error, { exit_code: EXIT.usage });
  } else {
    stderr.write([...errors.map(printable), "run with -h for usage"].join("\n"));
  }
  using file = openTerminationLog(terminationLog, log);
  await file.write(errors.join("; "));
  return EXIT.usage;
}

/** The SDK is loaded from here and not before: usage errors and `-h` do without it. */
async function sidecar(config: Config, world: World): Promise<LifecycleOutcome> {
  try {
    const { runInPod } = await import("./pod.ts");
    return await runInPod(config, world);
  } catch (error) {
    return outcomeOf(error, "stopped before anything was registered");
  }
}

/** The end: termination log, last log line, exit code. */
async function end(
  { exit, message }: LifecycleOutcome,
  terminationLog: TerminationLog,
  log: Log,
): Promise<number> {
  const code = EXIT[exit];
  if (exit === "done") {
    log.info(message, { exit_code: code });
  } else {
    await terminationLog.write(message);
    log.error(message, { exit_code: code });
  }
  return code;
}
