/**
 * Gives back permissions as the sidecar does, then tries one thing of each kind. Its arguments
 * are the needs; it prints the version of Deno, and by permission whether it was denied, as JSON.
 */
import { giveBack } from "../../../../lib/host/permissions.ts";

const has = (word: string) => Deno.args.includes(word);
const held = has("held") ? Deno.makeTempFileSync() : undefined;
const file = held === undefined ? undefined : Deno.openSync(held, { write: true });
const table = held === undefined ? undefined : Deno.openSync("/proc/net/tcp");
const elsewhere = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
  return new Response("export default 1", { headers: { "content-type": "text/javascript" } });
});
giveBack({ commands: has("commands"), homeFolder: has("homeFolder") });

async function denied(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable;
  }
}

/** Whether a module cannot be loaded, for whatever reason. */
async function unloadable(url: string): Promise<boolean> {
  try {
    await import(url);
    return false;
  } catch {
    return true;
  }
}

const denials = {
  net: await denied(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close()),
  env: await denied(() => Deno.env.get("HOME")),
  read: await denied(() => Deno.openSync("/etc/passwd").close()),
  run: await denied(() => new Deno.Command("/bin/true").outputSync()),
  kill: await denied(() => Deno.kill(1, "SIGCONT")),
  sys: await denied(() => Deno.hostname()),
  write: await denied(() => Deno.mkdirSync("/nowhere/nothing")),
  remove: await denied(() => Deno.removeSync("/nowhere/nothing")),
  openToWrite: await denied(() => Deno.openSync("/nowhere/nothing", { write: true })),
  ffi: await denied(() => Deno.dlopen("/nowhere/nothing.so", {})),
  importHttp: await unloadable(`http://127.0.0.1:${elsewhere.addr.port}/elsewhere.js`),
  importNpm: await unloadable("npm:fast-check@4.10.2"),
  storage: ["caches", "localStorage", "sessionStorage", "Worker"]
    .every((name) => !(name in globalThis)),
  getBack: Deno.permissions.requestSync({ name: "ffi" }).state !== "granted",
  heldFile: file === undefined ? null : await denied(() => file.writeSync(new Uint8Array(1))),
  heldTable: table === undefined ? null : await denied(() => {
    table.seekSync(0, Deno.SeekMode.Start);
    if (!table.readSync(new Uint8Array(10))) throw new Error("the table is empty");
  }),
};
console.log(JSON.stringify({ deno: Deno.version.deno, denials }));
Deno.exit();
