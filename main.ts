import { LineWriter } from "./lib/host/line_writer.ts";
import { describe, listenForStop } from "./lib/host/signals.ts";

// Before anything else is loaded: as process 1, a signal that nothing listens for is lost.
const signals = listenForStop();
const stderr = new LineWriter(Deno.stderr);
const stdout = new LineWriter(Deno.stdout);
const env = () => Deno.env.toObject();
const setEnv = (name: string, value: string) => Deno.env.set(name, value);

/** The exit code. The listener for errors keeps the process from dying of one with exit code 0. */
async function runProgram(): Promise<number> {
  try {
    const { run } = await import("./lib/program.ts");
    return await run({ args: Deno.args, env, setEnv, signals, stdout, stderr });
  } catch (error) {
    stderr.write(`unexpected error: ${describe(error)}`);
    return 1;
  }
}

const code = await runProgram();
await stderr.flush();
Deno.exit(code);
