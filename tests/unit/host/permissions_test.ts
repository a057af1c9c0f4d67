import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sidecarCommand } from "../../../tools/sidecar_command.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** The probe as a compiled program, or its source for `deno run`. */
const [PROGRAM = "", ...ARGUMENTS] = [
  Deno.env.get("PERMISSIONS_PROBE") ?? [
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "-A"],
    new URL("programs/permissions_probe.ts", import.meta.url).pathname,
  ],
].flat();

/** What is tried after giving back; true: denied. */
type Denials = Readonly<Record<string, boolean | null>>;

interface Report {
  /** The version that the probe ran on. */
  readonly deno: string;
  readonly denials: Denials;
}

async function probe(...needs: readonly string[]): Promise<Report> {
  const args = [...ARGUMENTS, ...needs];
  const { stdout, stderr } = await new Deno.Command(PROGRAM, { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

/** Without any need. */
const DENIED: Denials = {
  net: false,
  env: false,
  read: false,
  run: true,
  kill: true,
  sys: true,
  write: true,
  remove: true,
  openToWrite: true,
  ffi: true,
  import: true,
  getBack: true,
  heldFile: null,
  heldTable: null,
};

/**
 * Up to some version after 2.4, Deno goes on opening files for a program that was started with all
 * permissions, although it has given them back.
 */
function alwaysOpen(deno: string): Denials {
  return /^2\.4\./.test(deno) ? { write: false, openToWrite: false } : {};
}

function assertDenied({ deno, denials }: Report, but: Denials): void {
  assertEquals(denials, { ...DENIED, ...alwaysOpen(deno), ...but });
}

Deno.test("after its start the sidecar may not run, write, look around the system or load", async () => {
  assertDenied(await probe(), {});
});

Deno.test("with a command hook it may run commands and end them, and no more", async () => {
  assertDenied(await probe("commands"), { run: false, kill: false });
});

Deno.test("without HOME it may ask the system, and no more", async () => {
  assertDenied(await probe("homeFolder"), { sys: false });
});

Deno.test("what was opened before stays usable: termination log, table of connections", async () => {
  assertDenied(await probe("held"), { heldFile: false, heldTable: false });
});

/** Starts the sidecar's source with these permissions alone. */
async function start(permissions: readonly string[], args: readonly string[] = []) {
  const [deno, ...own] = sidecarCommand("source");
  const rest = own.filter((option) => option !== "-A");
  const [run = "", ...options] = rest;
  const { code, stderr } = await new Deno.Command(deno, {
    args: [run, ...permissions, ...options, ...args],
    clearEnv: true,
    env: { HOME: "/nowhere", PATH: "/bin", DENO_DIR: denoDir() },
    cwd: ROOT,
  }).output();
  return { code, text: new TextDecoder().decode(stderr).trim() };
}

function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}

Deno.test("a bare deno run fails with one sentence that names the options", async () => {
  const { code, text } = await start([]);
  assertEquals(code, 2);
  assertEquals(
    text,
    "Deno does not allow what the sidecar needs: " +
      "start it by deno run --allow-net --allow-env --allow-read, or -A",
  );
});

Deno.test("a bare deno run names what is missing, and no more", async () => {
  const { text } = await start(["--allow-net", "--allow-env"]);
  assertMatch(text, /: start it by deno run --allow-read, or -A$/);
});

Deno.test("a command hook without --allow-run is told of at the start", async () => {
  const args = ["-target-group-name=a", "-target-id=10.0.0.1", "-post-register-command=true"];
  const { code, text } = await start(["--allow-net", "--allow-env", "--allow-read"], args);
  assertEquals(code, 2);
  assertStringIncludes(text, "deno run --allow-run, or -A");
});

Deno.test("the three options named are enough to live, and to tell what is wrong", async () => {
  const { code, text } = await start(["--allow-net", "--allow-env", "--allow-read"], [
    "-target-group-name=a",
    "-target-id=10.0.0.1",
    "-log-level=debug",
  ]);
  assertEquals(code, 3);
  assertMatch(text, /permissions given back, except permissions=net,env,read$/m);
  assertMatch(text, /no region is set/);
});
