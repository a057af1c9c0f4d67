import { connect } from "node:net";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { addressRange } from "../../../lib/host/address.ts";
import { type Client, Guard } from "../../../lib/http/guard.ts";
import { test } from "../../test.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { request, Scene } from "./_http.ts";

const TOKEN = "tops3cret";
const ALLOWED = ["10.0.0.7", "2001:db8::7", "::ffff:10.0.0.8", "fe80::7", "172.16.0.0/12"]
  .flatMap((text) => addressRange(text) ?? []);

/** What the tests of this file leave on the disk is in here. */
const folder = await Deno.makeTempDir({ prefix: "guard_test_" });
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

async function tokenFile(text = `${TOKEN}\n`, mode = 0o440): Promise<string> {
  const path = await Deno.makeTempFile({ dir: folder });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  return path;
}

/** Addresses as the system reports them. */
const ADMITTED = [
  // The pod itself.
  ...["127.0.0.1", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
  // Allowed addresses, in whatever spelling.
  ...["10.0.0.7", "::ffff:10.0.0.7", "::ffff:a00:7", "10.0.0.8", "::FFFF:10.0.0.8", "2001:db8::7"],
  ...["2001:DB8:0:0:0:0:0:7", "2001:0db8::0007", "2001:db8::7%eth0", "fe80::7%eth0"],
  ...["172.16.0.0", "172.31.255.255"],
];
const REFUSED = [
  // A proxy in the pod connects from other addresses of the loopback network for clients outside.
  ...["127.0.0.6", "127.0.0.2", "::ffff:127.0.0.6"],
  // Neighbours of the allowed ones.
  ...[
    "172.15.255.255",
    "172.32.0.0",
    "10.0.0.9",
    "10.0.0.70",
    "110.0.0.7",
    "::10.0.0.7",
    "64:ff9b::10.0.0.7",
    "2001:db8::8",
  ],
  ...["::", "0.0.0.0", "::ffff:0:127.0.0.1"],
  // No address.
  ...[undefined, "", "localhost", "%127.0.0.1", "0x7f.0.0.1"],
];
/** `Authorization` headers from elsewhere. */
const GOOD_TOKENS = [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${TOKEN} `];
const BAD_TOKENS = [
  ...["Bearer wrong", `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`],
  ...[`Bearer ${TOKEN.toUpperCase()}`, `Bearer ${TOKEN}, Bearer x`, `Bearer x, Bearer ${TOKEN}`],
  ...["Bearer ", "Bearer", "", TOKEN, `Basic ${btoa(`user:${TOKEN}`)}`, `Basic ${TOKEN}`],
];
const CLIENTS: readonly [Client, boolean][] = [
  ...ADMITTED.map((address): [Client, boolean] => [{ address, authorization: undefined }, true]),
  [{ address: "127.0.0.1", authorization: "Bearer wrong" }, true],
  ...REFUSED.map((address): [Client, boolean] => [{ address, authorization: undefined }, false]),
  ...[undefined, "192.0.2.1"].flatMap((address) => [
    ...GOOD_TOKENS.map((authorization): [Client, boolean] => [{ address, authorization }, true]),
    ...BAD_TOKENS.map((authorization): [Client, boolean] => [{ address, authorization }, false]),
  ]),
];

test("the guard admits the pod, allowed addresses and the token, and warns of all others", async () => {
  for (const [client, isAdmitted] of CLIENTS) {
    const [clock, log] = [new VirtualClock(), new KeptLog()];
    const guard = new Guard({ drainAllow: ALLOWED, tokenFile: await tokenFile() }, { clock, log });
    assertEquals(await guard.admits("/drain", client), isAdmitted, JSON.stringify(client));
    assertEquals(log.lines.length, isAdmitted ? 0 : 1, JSON.stringify(client));
  }
});

/** The status of the answer to a request from an address. */
async function statusFrom(
  scene: Scene,
  from: string,
  line: string,
  headers: readonly string[] = [],
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = connect({ host: "127.0.0.1", port: scene.port, localAddress: from });
  let text = "";
  socket.on("data", (data) => text += data);
  socket.on("close", () => resolve(Number(text.split(" ")[1])));
  socket.write(request(line, "Connection: close", ...headers));
  return await promise;
}

/** At the socket: where the client connects from, its headers, its status. */
const BEARER = `Authorization: Bearer ${TOKEN}`;
const REAL_CLIENTS: readonly [string, readonly string[], number][] = [
  ["127.0.0.1", [], 200],
  ["127.0.0.9", [], 200],
  ["127.0.0.10", [], 403],
  ["127.0.0.10", [BEARER], 200],
  ["127.0.0.10", ["Authorization: Bearer no", BEARER], 403],
  ["127.0.0.10", [`Proxy-${BEARER}`], 403],
  ["127.0.0.10", [`Cookie: token=${TOKEN}`], 403],
  ["127.0.0.10", ["X-Forwarded-For: 127.0.0.1"], 403],
  ["127.0.0.10", ["Forwarded: for=127.0.0.9"], 403],
  ["127.0.0.10", ["X-Real-IP: 127.0.0.1"], 403],
  ["127.0.0.10", ["User-Agent: kube-probe/1.34"], 403],
  ["127.0.0.1", ["X-Forwarded-For: 192.0.2.1"], 200],
];

test("at a socket, the other end's address counts, and no header but Authorization", async () => {
  const config = { drainAllow: [{ address: "127.0.0.9", bits: 32 }], tokenFile: await tokenFile() };
  await using scene = await Scene.start(config);
  for (const [from, headers, status] of REAL_CLIENTS) {
    const client = `${from}, ${headers.join(", ")}`;
    assertEquals(await statusFrom(scene, from, "POST /register", headers), status, client);
  }
  assertEquals(scene.view.registerCalls, REAL_CLIENTS.filter(([, , one]) => one === 200).length);
  assertEquals(scene.stats.refusedCallers, REAL_CLIENTS.filter(([, , one]) => one === 403).length);
});

test("an IPv4 client of a service on both families is the address that is allowed", async () => {
  await using scene = await Scene.start({
    listen: { hostname: "::", port: 0 },
    drainAllow: [{ address: "127.0.0.9", bits: 32 }],
  });
  assertEquals(await statusFrom(scene, "127.0.0.9", "POST /register"), 200);
  assertEquals(await statusFrom(scene, "127.0.0.10", "POST /register"), 403);
});

test("what changes nothing is answered to everyone", async () => {
  await using scene = await Scene.start();
  const paths = ["/livez", "/startupz", "/readyz", "/target", "/status", "/metrics"];
  for (const path of paths) {
    assertEquals(await statusFrom(scene, "127.0.0.10", `GET ${path}`), 200, path);
  }
  assertEquals(await statusFrom(scene, "127.0.0.10", "GET /drain"), 403);
});

const OUTSIDE = { address: "192.0.2.1", authorization: `Bearer ${TOKEN}` };

test("a refused call is warned of with the address to allow", async () => {
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

test("refused calls do not fill the log: one line a minute for an address, 8 for all", async () => {
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

test("a token file that is no good is warned of once, and admits nobody", async () => {
  for (const [kind, path, why] of BAD_FILES) {
    const [clock, log] = [new VirtualClock(), new KeptLog()];
    const guard = new Guard({ drainAllow: [], tokenFile: await path() }, { clock, log });
    await guard.check();
    assertStringIncludes(log.text, why);
    for (const shown of [TOKEN, "", "undefined", "one", "a".repeat(5_000)]) {
      const authorization = `Bearer ${shown}`;
      assertEquals(await guard.admits("/drain", { ...OUTSIDE, authorization }), false, kind);
    }
    assertEquals(log.lines.filter((line) => line.includes("no token gives access")).length, 1);
  }
});

test("a token file is warned of when everybody may read it, and its token is good", async () => {
  for (const [mode, warnings] of [[0o440, 0], [0o444, 1]] as const) {
    const log = new KeptLog();
    const config = { drainAllow: [], tokenFile: await tokenFile(TOKEN, mode) };
    const guard = new Guard(config, { clock: new VirtualClock(), log });
    await guard.check();
    assertEquals(await guard.admits("/drain", OUTSIDE), true);
    assertEquals(log.lines.length, warnings);
    assertEquals(log.text.includes("may be read by everybody"), warnings === 1);
  }
});

test("a token that changes counts at once, in the way Kubernetes changes it too", async () => {
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
  assertEquals(await guard.admits("/drain", OUTSIDE), true);
  // As long, and perhaps as old to the millisecond.
  await put("..2", TOKEN.toUpperCase());
  assertEquals(await guard.admits("/drain", OUTSIDE), false);
  const changed = { ...OUTSIDE, authorization: `Bearer ${TOKEN.toUpperCase()}` };
  assertEquals(await guard.admits("/drain", changed), true);
  await Deno.remove(`${volume}/..data`);
  assertEquals(await guard.admits("/drain", changed), false);
});
