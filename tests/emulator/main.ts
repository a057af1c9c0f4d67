/** The emulator as a program: `deno task emulator -h` tells how to use it. */
import { readArguments, USAGE } from "./arguments.ts";
import type { Emulator, EmulatorOptions } from "./emulator.ts";
import { narrate } from "./narrate.ts";
import { startEmulator } from "./server.ts";

/** Runs the program; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const request = readArguments(args);
  switch (request.kind) {
    case "help":
      console.log(USAGE);
      return 0;
    case "refused":
      for (const error of request.errors) console.error(error);
      console.error("Try -h.");
      return 2;
    case "start":
      return await serve(request.options);
  }
}

async function serve(options: EmulatorOptions): Promise<number> {
  const { promise: stop, resolve } = Promise.withResolvers<void>();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, resolve);
  try {
    await using emulator = await start(options);
    if (emulator === null) return 1;
    console.log(emulator.url);
    introduce(emulator);
    emulator.listen((event) => {
      const line = narrate(event);
      if (line !== undefined) console.log(`${(event.at / 1000).toFixed(3).padStart(8)}  ${line}`);
    });
    await stop;
    return 0;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, resolve);
  }
}

async function start(options: EmulatorOptions): Promise<Emulator | null> {
  try {
    return await startEmulator(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error.message);
    return null;
  }
}

function introduce({ environment, groups, region, url }: Emulator): void {
  const [group] = groups;
  const exports = Object.entries(environment)
    .filter(([name]) => name !== "AWS_ENDPOINT_URL")
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  const names = groups.map(({ name, port }) =>
    port === undefined ? name : `${name} (connections to 127.0.0.1:${port} are forwarded)`
  );
  console.log(`Target groups in ${region}: ${names.join(", ")}
In another terminal:
  export ${exports}
  aws --endpoint-url ${url} --region ${region} elbv2 describe-target-groups
  deno task start -endpoint-url ${url} -region ${region} -target-group-name ${group?.name} -target-id 127.0.0.1
`);
}

Deno.exitCode = await main(Deno.args);
