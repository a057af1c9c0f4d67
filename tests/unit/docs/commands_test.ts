/** The commands of the docs that anyone can run, run. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TARGETS } from "../../../tools/compile.ts";
import { PrintedLines } from "../../../tools/lines.ts";
import { test } from "../../test.ts";
import { blocksOf, commandsOf, read, urlOf } from "./_docs.ts";

const IS_MAPPED = import.meta.resolve("@std/assert").startsWith("file:");
const MAP = "tools/std/import_map.json";

function command(page: string, start: string): string {
  const found = commandsOf(page).find((line) => line.startsWith(start));
  assert(found, `${page} has no ${start}`);
  return found;
}

/** A command of the docs, started as from a terminal. */
class Started extends PrintedLines implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(line: string, env: Record<string, string>, log: "stdout" | "stderr") {
    const [program, ...args] = line.split(" ");
    assertEquals(program, "deno");
    const child = new Deno.Command(Deno.execPath(), {
      args,
      env: { ...env, NO_COLOR: "1" },
      cwd: urlOf(""),
      // A process group of its own, as a shell gives to each command.
      detached: true,
      stdin: "null",
      stdout: log === "stdout" ? "piped" : "null",
      stderr: log === "stderr" ? "piped" : "null",
    }).spawn();
    super(child[log]);
    this.#child = child;
  }

  /** Ctrl-C: the terminal sends SIGINT to the whole group. */
  async interrupt(): Promise<readonly string[]> {
    Deno.kill(-this.#child.pid, "SIGINT");
    await this.#child.status;
    await this.end;
    return this.lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.end;
  }
}

function variables(exported: string): Record<string, string> {
  return Object.fromEntries(exported.split(" ").slice(1).map((pair) => pair.split("=")));
}

/** A log line without its time and values: level, message, names of fields. */
function shapeOf(line: string): string {
  return line.replace(/^\S+Z /, "").replaceAll(/=("[^"]*"|\S*)/g, "=");
}

test("the commands to try by hand work as shown, and log what docs/flags.md shows", async () => {
  const page = "docs/development.md";
  const env = { STD_SOURCE: IS_MAPPED ? "npm" : "jsr" };
  const emulate = command(page, "deno task emulator ");
  const port = /--port (\d+)/.exec(emulate)?.[1] ?? "";
  await using emulator = new Started(emulate.replace(`--port ${port}`, "--port 0"), env, "stdout");
  const url = (await emulator.line(/^http:/)).trim();

  const start = command(page, "deno task start ");
  assert(start.includes(`http://127.0.0.1:${port}`), "both commands name one port");
  const credentials = variables(command(page, "export AWS_ACCESS_KEY_ID="));
  await using sidecar = new Started(
    start.replace(`http://127.0.0.1:${port}`, url),
    { ...env, ...credentials },
    "stderr",
  );
  await sidecar.line(/serving/);
  const logged = (await sidecar.interrupt()).map(shapeOf);
  const [sample] = blocksOf("docs/flags.md").filter(({ language }) => language === "text");
  const shown = sample?.text.trimEnd().split("\n").map(shapeOf) ?? [];
  assertEquals(shown.filter((line) => !logged.includes(line)), [], logged.join("\n"));
  assertEquals(shown.at(-1), logged.at(-1));
}, { limit: 120_000 });

/** Runs a command of docs/install.md that prints the version, in a folder. */
async function assertPrintsVersion(line: string, cwd: URL | string): Promise<void> {
  const [, ...args] = line.split(" ");
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd }).output();
  const text = new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
  assertMatch(text, /^k8s-nlb-registrator-sidecar \d/);
}

const PERMISSIONS = "deno run --no-prompt --allow-net --allow-env --allow-read";

test("docs/install.md: deno run works in a checkout with the permissions that it shows", async () => {
  const line = command("docs/install.md", `${PERMISSIONS} main.ts`);
  const here = IS_MAPPED ? line.replace(" main.ts", ` --import-map=${MAP} main.ts`) : line;
  await assertPrintsVersion(here, urlOf(""));
});

test("docs/install.md: deno run works from a URL, in an empty folder", async () => {
  // The checkout, as a host for raw files serves it.
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      const file = await Deno.readTextFile(urlOf(path)).catch(() => undefined);
      return file === undefined ? new Response("", { status: 404 }) : new Response(file);
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const source = "https://raw.githubusercontent.com/OWNER/k8s-nlb-registrator-sidecar/v0.2.0";
  const line = command("docs/install.md", `${PERMISSIONS} --import-map=`)
    .replaceAll(source, `http://${host}`)
    .replace(" --import-map", ` --allow-import=${host},jsr.io:443 --import-map`)
    .replace("/deno.json ", IS_MAPPED ? `/${MAP} ` : "/deno.json ");
  const folder = await Deno.makeTempDir();
  await assertPrintsVersion(line, folder);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("docs/install.md names the binaries that a release has, and no other", () => {
  const named = new Set(read("docs/install.md").match(/(?:x86_64|aarch64)-[a-z]+-[a-z-]+/g));
  assertEquals([...named].sort(), [...TARGETS].sort());
});
