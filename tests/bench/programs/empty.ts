/** The floor: a program that only waits for SIGTERM. */
const { promise: stop, resolve } = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", resolve);
console.error("serving");
await stop;
Deno.exit(0);
