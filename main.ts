import { listenForStop } from "./lib/host/signals.ts";

// Before anything else is loaded: as process 1, a signal that nobody listens for is lost.
const signals = listenForStop();
const { run } = await import("./lib/program.ts");
Deno.exit(await run({ args: Deno.args, env: Deno.env.toObject(), signals }));
