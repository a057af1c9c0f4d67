/** The emulator as a program: `deno task emulator -h` tells how to use it. */
import { readArguments, USAGE } from "./arguments.ts";
import type { Emulator, EmulatorOptions } from "./emulator.ts";
import { narrate } from "./narrate.ts";
import { startEmulator } from "./server.ts";

/** Serves until a signal comes. */
async function serve(options: EmulatorOptions): Promise<void> {
  const { promise: stop, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
  await using emulator = await startEmulator(options);
  console.log(emulator.url);
  introduce(emulator);
  emulator.listen((event) => {
    const line = narrate(event);
    if (line !== undefined) console.log(`${(event.at / 1000).toFixed(3).padStart(8)}  ${line}`);
  });
  await stop;
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

try {
  const options = readArguments(Deno.args);
  if (options === "help") console.log(USAGE);
  else await serve(options);
  Deno.exit(0);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\nTry -h.`);
  Deno.exit(2);
}
