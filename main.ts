import { listenForStop } from "./lib/host/signals.ts";

// Before anything else is loaded: as process 1, a signal that nobody listens for is lost.
const signals = listenForStop();
try {
  const { run } = await import("./lib/program.ts");
  const env = () => Deno.env.toObject();
  const setEnv = (name: string, value: string) => Deno.env.set(name, value);
  Deno.exit(await run({ args: Deno.args, env, setEnv, signals }));
} catch (fault) {
  // The listener for faults keeps the process from dying of one, which would look like success.
  console.error("unexpected fault:", fault);
  Deno.exit(1);
}
