/** The program: from arguments and environment to an exit code. */
import { type Config, readConfig } from "./config/config.ts";
import { shellExists } from "./hooks/shell.ts";
import { EXIT } from "./host/exit.ts";
import { createLog, type Log } from "./host/log.ts";
import { logStops, type StopSignals } from "./host/signals.ts";
import { writeTerminationLog } from "./host/termination_log.ts";
import { type Ending, endingOf } from "./life/ending.ts";
import { VERSION } from "./version.ts";

/** What a process is started with. */
export interface Start {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signals: StopSignals;
}

/** Runs the program; the result is its exit code. */
export async function run({ args, env, signals }: Start): Promise<number> {
  const shell = shellExists();
  const reading = readConfig(args, env, { shell });
  switch (reading.kind) {
    case "help":
      console.error(reading.text);
      return EXIT.done;
    case "version":
      console.log(`k8s-nlb-registrator-sidecar ${VERSION} (deno ${Deno.version.deno})`);
      return EXIT.done;
    case "faults":
      return usageFault(reading);
    case "run": {
      const { config, warnings } = reading;
      const log = createLog(config.log);
      logStops(signals, log);
      for (const warning of warnings) log.warn(warning);
      return end(await sidecar(config, { log, signals, shell }), config, log);
    }
  }
}

/** Bad input: everything at once, and nothing is touched. */
function usageFault(
  { faults, text, terminationLog }: {
    faults: readonly string[];
    text: string;
    terminationLog: string;
  },
): number {
  console.error(text);
  const log = createLog({ format: "text", level: "warn" });
  writeTerminationLog(terminationLog, faults.join("; "), log);
  return EXIT.usage;
}

/** The SDK is loaded from here and not before: usage faults and `-h` do without it. */
async function sidecar(
  config: Config,
  world: { log: Log; signals: StopSignals; shell: boolean },
): Promise<Ending> {
  try {
    const { liveInPod } = await import("./pod.ts");
    return await liveInPod(config, world);
  } catch (fault) {
    return endingOf(fault, "stopped before anything was registered");
  }
}

/** The last words: log line, termination log, exit code. */
function end({ exit, sentence }: Ending, config: Config, log: Log): number {
  const code = EXIT[exit];
  if (exit === "done") {
    log.info(sentence, { exit_code: code });
  } else {
    writeTerminationLog(config.terminationLog, sentence, log);
    log.error(sentence, { exit_code: code });
  }
  return code;
}
