import { assertEquals, assertStringIncludes } from "@std/assert";
import { Guard } from "../../../lib/http/guard.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { Scene } from "./_http.ts";

const TOKEN = "tops3cret";
const ALLOWED = ["10.0.0.7", "2001:db8::7", "::ffff:10.0.0.8", "fe80::7"];

/** What the tests of this file leave on the disk is in here. */
const folder = await Deno.makeTempDir({ prefix: "guard_test_" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

async function tokenFile(text = `${TOKEN}\n`, mode = 0o440): Promise<string> {
  const path = await Deno.makeTempFile({ dir: folder });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  return path;
}

/** Callers: the address as the system tells it, the header, and whether they get in. */
const CALLERS: readonly [string | undefined, string | undefined, boolean][] = [
  // The pod itself.
  ["127.0.0.1", undefined, true],
  ["::1", undefined, true],
  ["0:0:0:0:0:0:0:1", undefined, true],
  ["::ffff:127.0.0.1", undefined, true],
  ["::ffff:7f00:1", undefined, true],
  ["::FFFF:127.0.0.1", undefined, true],
  ["127.0.0.1", "Bearer wrong", true],
  // A proxy in the pod calls from other addresses of the loopback network for those outside.
  ["127.0.0.6", undefined, false],
  ["127.0.0.2", undefined, false],
  ["::ffff:127.0.0.6", undefined, false],
  // Allowed addresses, in whatever spelling.
  ["10.0.0.7", undefined, true],
  ["::ffff:10.0.0.7", undefined, true],
  ["::ffff:a00:7", undefined, true],
  ["10.0.0.8", undefined, true],
  ["::ffff:10.0.0.8", undefined, true],
  ["2001:db8::7", undefined, true],
  ["2001:DB8:0:0:0:0:0:7", undefined, true],
  ["2001:0db8::0007", undefined, true],
  ["2001:db8::7%eth0", undefined, true],
  ["fe80::7%eth0", undefined, true],
  // Neighbours of these.
  ["10.0.0.9", undefined, false],
  ["10.0.0.70", undefined, false],
  ["110.0.0.7", undefined, false],
  ["::10.0.0.7", undefined, false],
  ["64:ff9b::10.0.0.7", undefined, false],
  ["2001:db8::8", undefined, false],
  ["::", undefined, false],
  ["0.0.0.0", undefined, false],
  ["::ffff:0:127.0.0.1", undefined, false],
  // No address.
  [undefined, undefined, false],
  ["", undefined, false],
  ["localhost", undefined, false],
  ["%127.0.0.1", undefined, false],
  ["0x7f.0.0.1", undefined, false],
  // Tokens.
  ["192.0.2.1", `Bearer ${TOKEN}`, true],
  ["192.0.2.1", `bearer ${TOKEN}`, true],
  ["192.0.2.1", `BEARER  ${TOKEN} `, true],
  [undefined, `Bearer ${TOKEN}`, true],
  ["192.0.2.1", "Bearer wrong", false],
  ["192.0.2.1", `Bearer ${TOKEN}x`, false],
  ["192.0.2.1", `Bearer ${TOKEN.slice(0, -1)}`, false],
  ["192.0.2.1", `Bearer ${TOKEN.toUpperCase()}`, false],
  ["192.0.2.1", `Bearer ${TOKEN}, Bearer x`, false],
  ["192.0.2.1", `Bearer x, Bearer ${TOKEN}`, false],
  ["192.0.2.1", "Bearer ", false],
  ["192.0.2.1", "Bearer", false],
  ["192.0.2.1", "", false],
  ["192.0.2.1", TOKEN, false],
  ["192.0.2.1", `Basic ${btoa(`user:${TOKEN}`)}`, false],
  ["192.0.2.1", `Basic ${TOKEN}`, false],
  ["192.0.2.1", `Token ${TOKEN}`, false],
];

for (const [address, authorization, getsIn] of CALLERS) {
  const caller = `${address ?? "no address"}, ${authorization ?? "no token"}`;
  Deno.test(`${getsIn ? "gets in" : "is refused"}: ${caller}`, async () => {
    const [clock, log] = [new VirtualClock(), new KeptLog()];
    const guard = new Guard({ drainAllow: ALLOWED, tokenFile: await tokenFile() }, { clock, log });
    assertEquals(await guard.admits("/drain", { address, authorization }), getsIn);
    assertEquals(log.lines.length, getsIn ? 0 : 1);
  });
}

/** Fetch would not send some of these, and from one address only. */
async function callFrom(
  scene: Scene,
  from: string,
  headers: readonly string[],
  request = "POST /register",
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const { connect } = await import("node:net");
  const socket = connect({ host: "127.0.0.1", port: scene.port, localAddress: from });
  let text = "";
  socket.on("data", (data) => text += data);
  socket.on("close", () => resolve(Number(text.split(" ")[1])));
  socket.write([`${request} HTTP/1.1`, "Host: x", ...headers, "", ""].join("\r\n"));
  return await promise;
}

/** At the socket: the caller's address, headers, whether it gets in. */
const REAL_CALLERS: readonly [string, readonly string[], boolean][] = [
  ["127.0.0.1", [], true],
  ["127.0.0.9", [], true],
  ["127.0.0.10", [], false],
  ["127.0.0.10", [`Authorization: Bearer ${TOKEN}`], true],
  ["127.0.0.10", ["Authorization: Bearer no", `Authorization: Bearer ${TOKEN}`], false],
  ["127.0.0.10", [`Proxy-Authorization: Bearer ${TOKEN}`], false],
  ["127.0.0.10", [`Cookie: token=${TOKEN}`], false],
  ["127.0.0.10", ["X-Forwarded-For: 127.0.0.1"], false],
  ["127.0.0.10", ["Forwarded: for=127.0.0.9"], false],
  ["127.0.0.10", ["X-Real-IP: 127.0.0.1"], false],
  ["127.0.0.10", ["True-Client-IP: 127.0.0.1"], false],
  ["127.0.0.10", ["CF-Connecting-IP: 127.0.0.1"], false],
  ["127.0.0.10", ["Host: localhost"], false],
  ["127.0.0.10", ["User-Agent: kube-probe/1.34"], false],
  ["127.0.0.1", ["X-Forwarded-For: 192.0.2.1"], true],
];

for (const [from, headers, getsIn] of REAL_CALLERS) {
  const caller = `${from}, ${headers.length === 0 ? "no headers" : headers.join(", ")}`;
  Deno.test(`at a socket, ${getsIn ? "gets in" : "is refused"}: ${caller}`, async () => {
    const config = { drainAllow: ["127.0.0.9"], tokenFile: await tokenFile() };
    await using scene = await Scene.start(config);
    const status = await callFrom(scene, from, headers);
    // A second Host is refused before anybody looks at who calls.
    const refusals = headers.some((header) => header.startsWith("Host:")) ? [403, 400] : [403];
    assertEquals(getsIn ? status === 200 : refusals.includes(status), true, String(status));
    assertEquals(scene.view.registerCalls, getsIn ? 1 : 0);
    if (status === 403) assertEquals(scene.stats.refusedCallers, 1);
  });
}

Deno.test("an IPv4 caller of a service on both families is the address that is allowed", async () => {
  await using scene = await Scene.start({
    listen: { hostname: "::", port: 0 },
    drainAllow: ["127.0.0.9"],
  });
  assertEquals(await callFrom(scene, "127.0.0.9", []), 200);
  assertEquals(await callFrom(scene, "127.0.0.10", []), 403);
});

Deno.test("what changes nothing is answered to everybody", async () => {
  await using scene = await Scene.start();
  const paths = ["/livez", "/startupz", "/readyz", "/target", "/status", "/metrics"];
  for (const path of paths) {
    assertEquals(await callFrom(scene, "127.0.0.10", [], `GET ${path}`), 200, path);
  }
  assertEquals(await callFrom(scene, "127.0.0.10", [], "GET /drain"), 403);
});

const STRANGER = { address: "192.0.2.1", authorization: `Bearer ${TOKEN}` };

Deno.test("a refused call is warned of with the address to allow", async () => {
  const log = new KeptLog();
  const guard = new Guard({ drainAllow: [] }, { clock: new VirtualClock(), log });
  await guard.admits("/drain", { address: "::ffff:10.0.0.9", authorization: undefined });
  assertEquals(log.lines.length, 1);
  assertStringIncludes(
    log.lines[0] ?? "",
    "warn a call of /drain from 10.0.0.9 was refused: " +
      "if that is where the kubelet calls from, give -drain-allow 10.0.0.9",
  );
});

Deno.test("refused calls do not fill the log: one line a minute for an address, 8 for all", async () => {
  const [clock, log] = [new VirtualClock(), new KeptLog()];
  const guard = new Guard({ drainAllow: [] }, { clock, log });
  const call = async (address: string) => {
    await guard.admits("/drain", { address, authorization: undefined });
    return log.lines.length;
  };
  for (let time = 0; time < 5; time++) assertEquals(await call("192.0.2.1"), 1);
  for (let last = 2; last < 100; last++) await call(`192.0.2.${last}`);
  assertEquals(log.lines.length, 8);
  await clock.run(new Promise<void>((resolve) => clock.at(60_000, resolve)));
  assertEquals(await call("192.0.2.1"), 9);
});

const BAD_FILES: readonly [string, () => Promise<string>, string][] = [
  ["missing", () => Promise.resolve("/nowhere/token"), "does not exist"],
  ["empty", () => tokenFile(""), "is empty"],
  ["blank", () => tokenFile("\n \n"), "is empty"],
  ["a folder", () => Deno.makeTempDir({ dir: folder }), "is not a file"],
  ["too long", () => tokenFile("a".repeat(5_000)), "is longer than 4096 bytes"],
  ["of two words", () => tokenFile("one two"), "holds more than one word"],
];

for (const [kind, path, why] of BAD_FILES) {
  Deno.test(`a token file that is ${kind} is warned of once, and lets nobody in`, async () => {
    const [clock, log] = [new VirtualClock(), new KeptLog()];
    const guard = new Guard({ drainAllow: [], tokenFile: await path() }, { clock, log });
    await guard.check();
    assertEquals(log.lines.length, 1);
    assertStringIncludes(log.lines[0] ?? "", why);
    for (const shown of [TOKEN, "", "undefined", "one", "a".repeat(5_000)]) {
      const authorization = `Bearer ${shown}`;
      assertEquals(await guard.admits("/drain", { ...STRANGER, authorization }), false);
    }
    assertEquals(log.lines.filter((line) => line.includes("no token gives access")).length, 1);
  });
}

Deno.test("a token file that is world-readable is warned of once, and its token is good", async () => {
  const log = new KeptLog();
  const config = { drainAllow: [], tokenFile: await tokenFile(TOKEN, 0o444) };
  const guard = new Guard(config, { clock: new VirtualClock(), log });
  await guard.check();
  assertEquals(await guard.admits("/drain", STRANGER), true);
  assertEquals(log.lines.length, 1);
  assertStringIncludes(log.lines[0] ?? "", "may be read by everybody");
});

Deno.test("a good token file is not warned of", async () => {
  const log = new KeptLog();
  const config = { drainAllow: [], tokenFile: await tokenFile() };
  await new Guard(config, { clock: new VirtualClock(), log }).check();
  assertEquals(log.lines, []);
});

Deno.test("a token that changes counts at once, in the way Kubernetes changes it too", async () => {
  const volume = await Deno.makeTempDir({ dir: folder });
  const put = async (version: string, token: string) => {
    await Deno.mkdir(`${volume}/${version}`);
    await Deno.writeTextFile(`${volume}/${version}/token`, token);
    await Deno.chmod(`${volume}/${version}/token`, 0o440);
    // A projected volume: `..data` is replaced as a whole.
    await Deno.symlink(version, `${volume}/next`);
    await Deno.rename(`${volume}/next`, `${volume}/..data`);
  };
  await put("..1", TOKEN);
  await Deno.symlink("..data/token", `${volume}/token`);
  const log = new KeptLog();
  const config = { drainAllow: [], tokenFile: `${volume}/token` };
  const guard = new Guard(config, { clock: new VirtualClock(), log });
  assertEquals(await guard.admits("/drain", STRANGER), true);
  // As long, and perhaps as old to the millisecond.
  await put("..2", TOKEN.toUpperCase());
  assertEquals(await guard.admits("/drain", STRANGER), false);
  const changed = { ...STRANGER, authorization: `Bearer ${TOKEN.toUpperCase()}` };
  assertEquals(await guard.admits("/drain", changed), true);
  await Deno.remove(`${volume}/..data`);
  assertEquals(await guard.admits("/drain", changed), false);
});
