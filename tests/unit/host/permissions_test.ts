import { assertEquals, assertMatch } from "@std/assert";
import { BUNDLE_OPTIONS, sidecarCommand } from "../../../tools/sidecar_command.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** The probe as a compiled program, or its source for `deno run`. */
const [PROGRAM = "", ...ARGUMENTS] = [
  Deno.env.get("PERMISSIONS_PROBE") ?? [
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "-A"],
    // To give `import` back has to be enough for code from elsewhere; packages take --no-npm.
    ...BUNDLE_OPTIONS.filter((option) => option !== "--no-remote"),
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
  importHttp: true,
  importNpm: true,
  storage: true,
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

const ALLOWED = ["--allow-net", "--allow-env", "--allow-read"];
const NEEDED = ["-target-group-name=a", "-target-id=10.0.0.1", "-log-level=debug"];

/** Starts the sidecar's source with these permissions alone, in a pod without a region. */
async function start(
  permissions: readonly string[],
  args: readonly string[] = [],
  home = "/nowhere",
): Promise<{ code: number; text: string }> {
  const [deno, ...own] = sidecarCommand("source");
  const [run = "", ...options] = own.filter((option) => option !== "-A");
  const { code, stderr } = await new Deno.Command(deno, {
    args: [run, ...permissions, ...options, ...args],
    clearEnv: true,
    env: { HOME: home, PATH: "/bin", DENO_DIR: denoDir(), AWS_CONFIG_FILE: `${home}/config` },
    cwd: ROOT,
  }).output();
  return { code, text: new TextDecoder().decode(stderr).trim() };
}

function denoDir(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
}

/** What a start lacks, and the options that the one message names. */
const LACKING: readonly [permissions: readonly string[], args: readonly string[], string][] = [
  [[], [], ALLOWED.join(" ")],
  [["--allow-net", "--allow-env"], [], "--allow-read"],
  [ALLOWED, [...NEEDED, "-post-register-command=true"], "--allow-run"],
];

Deno.test("a start without what it needs fails with one message that names the options", async () => {
  for (const [permissions, args, options] of LACKING) {
    assertEquals(await start(permissions, args), {
      code: 2,
      text: "Deno denies a permission that the sidecar needs: " +
        `start it with deno run ${options}, or -A`,
    });
  }
});

Deno.test("the three options named are enough to run, and to report what is wrong", async () => {
  const warned = ["-wait-idle", "-wait-in-service=false", "-require-in-service"];
  const { code, text } = await start(ALLOWED, [...NEEDED, ...warned]);
  assertEquals(code, 3);
  assertMatch(text, /permissions kept permissions=net,env,read$/m);
  assertMatch(text, /WARN {2}cannot count the pod's connections/);
  assertMatch(text, /WARN {2}"-require-in-service has no effect/);
  assertMatch(text, /ERROR .*no region.* exit_code=3$/);
});

/** What keeps a permission that most sidecars give back. */
const KEPT: readonly [why: string, args: readonly string[], config: string | undefined, string][] =
  [
    ["a hook has a command", ["-post-register-command=true"], "", "net,env,read,run"],
    ["a profile has a credential_process", [], "credential_process = x", "net,env,read,run"],
    ["HOME is empty", [], undefined, "net,env,read,sys"],
    ["nothing needs more", [], "", "net,env,read"],
  ];

for (const [why, args, config, kept] of KEPT) {
  Deno.test(`where ${why}, ${kept} are kept`, async () => {
    const home = await Deno.makeTempDir();
    if (config !== undefined) await Deno.writeTextFile(`${home}/config`, `[default]\n${config}\n`);
    const { code, text } = await start(
      ["-A"],
      [...NEEDED, ...args],
      config === undefined ? "" : home,
    );
    assertEquals(code, 3);
    assertMatch(text, new RegExp(`permissions kept permissions=${kept}$`, "m"));
    await Deno.remove(home, { recursive: true });
  });
}
