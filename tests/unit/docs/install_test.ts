import { assert, assertEquals, assertMatch } from "@std/assert";
import { commandsOf, read, urlOf } from "./_docs.ts";

const SOURCE = "https://raw.githubusercontent.com/OWNER/k8s-nlb-registrator-sidecar/v0.1.0";
const IS_MAPPED = import.meta.resolve("@std/assert").startsWith("file:");
const MAP = "tools/std/import_map.json";

function command(start: string): string {
  const found = commandsOf("docs/install.md").find((line) => line.startsWith(start));
  assert(found, `docs/install.md has no ${start}`);
  return found;
}

/** Runs a command of the page by this Deno, in a folder. */
async function run(line: string, cwd: URL | string): Promise<string> {
  const [, ...args] = line.split(" ");
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), { args, cwd })
    .output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** The checkout, as a host for raw files serves it. */
function serveCheckout(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    const file = await Deno.readTextFile(urlOf(path)).catch(() => undefined);
    return file === undefined ? new Response("", { status: 404 }) : new Response(file);
  });
}

Deno.test("the page's deno run works in a checkout with the permissions that it gives", async () => {
  const line = command("deno run --no-prompt --allow-net --allow-env --allow-read main.ts");
  const here = IS_MAPPED ? line.replace(" main.ts", ` --import-map=${MAP} main.ts`) : line;
  assertMatch(await run(here, urlOf("")), /^k8s-nlb-registrator-sidecar \d/);
});

Deno.test("the page's deno run works from a URL, in an empty folder", async () => {
  await using server = serveCheckout();
  const host = `127.0.0.1:${server.addr.port}`;
  const line = command("deno run --no-prompt --allow-net --allow-env --allow-read --import-map=")
    .replaceAll(SOURCE, `http://${host}`)
    .replace(" --import-map", ` --allow-import=${host},jsr.io:443 --import-map`)
    .replace("/deno.json ", IS_MAPPED ? `/${MAP} ` : "/deno.json ");
  const folder = await Deno.makeTempDir();
  assertMatch(await run(line, folder), /^k8s-nlb-registrator-sidecar \d/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the page names the binaries that a release has, and no other", async () => {
  const { TARGETS } = await import("../../../tools/compile.ts");
  const page = read("docs/install.md");
  const named = new Set(page.match(/(?:x86_64|aarch64)-[a-z]+-[a-z-]+/g));
  assertEquals([...named].sort(), [...TARGETS].sort());
});
