/** What it takes to start and to end: the empty program, without the wait. */
Deno.addSignalListener("SIGTERM", () => {});
console.error("serving");
Deno.exit(0);
