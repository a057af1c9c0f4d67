/** As much of `process` as the packages of the program use. */

/** The environment, read at each access, as in Node.js. */
export const env: Record<string, string | undefined> = new Proxy({}, {
  get: (_, name) => typeof name === "string" ? Deno.env.get(name) : undefined,
  has: (_, name) => typeof name === "string" && Deno.env.has(name),
});

/** The Node.js that the SDK takes this to be; it warns of old ones. */
export const versions = { node: "24.0.0" };

/** What the bundle puts in the place of the global of this name. */
export const process = {
  env,
  versions,
  version: `v${versions.node}`,
  /** In seconds. */
  uptime: (): number => performance.now() / 1_000,
  geteuid: (): number | null => Deno.uid(),
};
