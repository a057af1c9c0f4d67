/**
 * Says where the `@std` packages come from on this network: prints nothing where JSR can be
 * reached, else the options that map them to the same sources on the npm registry, which the lock
 * file has; that is frozen then.
 * `STD_SOURCE=jsr` or `STD_SOURCE=npm` decides without a request.
 */
const JSR_ANSWERS_WITHIN_MS = 3000;

async function jsrServes(): Promise<boolean> {
  try {
    const reply = await fetch(
      new URL("@std/assert/meta.json", Deno.env.get("JSR_URL") ?? "https://jsr.io/"),
      { signal: AbortSignal.timeout(JSR_ANSWERS_WITHIN_MS) },
    );
    return reply.ok && typeof (await reply.json()).latest === "string";
  } catch {
    return false;
  }
}

const forced = Deno.env.get("STD_SOURCE");
if (forced !== undefined && forced !== "" && forced !== "jsr" && forced !== "npm") {
  console.error(`STD_SOURCE is "${forced}": give it the value jsr or npm, or leave it unset`);
  Deno.exit(2);
}
const useNpm = forced === "npm" || (forced !== "jsr" && !(await jsrServes()));
if (useNpm) console.log("--frozen --import-map=tools/std/import_map.json");
