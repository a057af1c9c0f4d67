/**
 * `deno task run tests/property/main.ts --runs N [--seed S] [--only TEXT]`: promises about any
 * input, tried so many times; or only those whose name contains a text.
 */
import { parseArgs } from "@std/cli/parse-args";
import { API } from "./api.ts";
import { CONFIG } from "./config.ts";
import { HOOKS } from "./hooks.ts";
import { HTTP } from "./http.ts";
import type { Property } from "./property.ts";
import { SECRETS } from "./secrets.ts";

export const PROPERTIES: readonly Property[] = [
  ...CONFIG,
  ...HOOKS,
  ...API,
  ...HTTP,
  ...SECRETS,
];

const USAGE = "Usage: deno task run tests/property/main.ts [--runs N] [--seed S] [--only TEXT]";

async function main(args: readonly string[]): Promise<number> {
  const given = parseArgs([...args], { string: ["runs", "seed", "only"], collect: [] });
  const runs = Number(given["runs"] ?? 100_000);
  const seed = Number(given["seed"] ?? 1);
  if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
    console.error(USAGE);
    return 2;
  }
  const chosen = PROPERTIES.filter(({ name }) => name.includes(String(given["only"] ?? "")));
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  let failed = 0;
  let tried = 0;
  const began = performance.now();
  for (const { name, weight, check } of chosen) {
    const share = Math.max(10, Math.ceil(runs * weight / weights));
    const started = performance.now();
    const fault = await check(share, seed);
    tried += share;
    const took = ((performance.now() - started) / 1_000).toFixed(1);
    console.log(`${fault === undefined ? "ok    " : "FAILED"} ${share} inputs, ${took} s: ${name}`);
    if (fault === undefined) continue;
    failed++;
    console.log(fault);
  }
  const took = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(`${tried} inputs, ${chosen.length} promises, ${failed} broken, ${took} s`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
