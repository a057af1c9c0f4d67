import { connect } from "node:net";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { addressRange } from "../../../lib/host/address.ts";
import { type Client, Guard, type GuardConfig } from "../../../lib/http/guard.ts";
import { test } from "../../test.ts";
import { KeptLog } from "../kept_log.ts";
import { VirtualClock } from "../../simulation/clock.ts";
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
  ...["", "localhost", "%127.0.0.1", "0x7f.0.0.1"],
];
/** `Authorization` headers from elsewhere. */
const GOOD_TOKENS = [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${TOKEN} `];
const BAD_TOKENS = [
  ...["Bearer wrong", `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`],
  ...[`Bearer ${TOKEN.toUpperCase()}`, `Bearer ${TOKEN}, Bearer x`, `Bearer x, Bearer ${TOKEN}`],
  ...["Bearer ", "Bearer", "", TOKEN, `Basic ${btoa(`user:${TOKEN}`)}`, `Basic ${TOKEN}`],
];
/** What shows that a request may come from a browser, or was not meant for this pod. */
const BAD_HEADERS: readonly [string, string, string][] = [
  ["origin", "http://10.0.0.1:8080", "browser"],
  ["origin", "null", "browser"],
  ["referer", "https://evil.example/", "browser"],
  ["sec-fetch-site", "cross-site", "browser"],
  ["sec-fetch-mode", "no-cors", "browser"],
  ["sec-fetch-anything-new", "", "browser"],
  // All that an image of a page gets to send to an address without TLS.
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101", "browser"],
  ["accept-language", "de,en-US;q=0.7", "browser"],
  ["upgrade-insecure-requests", "1", "browser"],
  ["sec-ch-ua-mobile", "?0", "browser"],
  ...[
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "0x7f.1",
    "1.2.3",
    "a:b:c",
    "127.0.0.1%evil.example",
  ]
    .map((host): [string, string, string] => ["host", host, "host"]),
];
/** The kubelet's, and those of programs. */
const GOOD_HEADERS: readonly [string, string][] = [
  ...["kube-probe/1.34", "kube-lifecycle/1.34", "Go-http-client/1.1", "curl/8.5.0", "Deno/2.9.6"]
    .map((agent): [string, string] => ["user-agent", agent]),
  ["accept-language", "*"],
];
const GOOD_HOSTS = [
  ...["localhost", "LocalHost:8080", "10.0.0.1", "10.0.0.1:8080", "[::1]", "[fd00::1]:8080", ""],
];

type Case = readonly [Client, string | undefined, Partial<GuardConfig>?];

const client = (address: string, headers: Record<string, string> = {}): Client => ({
  address,
  headers: new Map(Object.entries(headers)),
});
const showing = (authorization: string, address = "192.0.2.1") =>
  client(address, { authorization });
const REQUIRED = { tokenRequired: true };

/** Clients, why each is refused, and a configuration other than the usual one. */
const CASES: readonly Case[] = [
  ...ADMITTED.map((address): Case => [client(address), undefined]),
  ...REFUSED.map((address): Case => [client(address), "address"]),
  [showing("Bearer wrong", "127.0.0.1"), undefined],
  // Istio's agent passes the hook and its header on.
  [showing(`Bearer ${TOKEN}`, "127.0.0.6"), undefined],
  ...["", "192.0.2.1"].flatMap((address) => [
    ...GOOD_TOKENS.map((token): Case => [showing(token, address), undefined]),
    ...BAD_TOKENS.map((token): Case => [showing(token, address), "address"]),
  ]),
  ...BAD_HEADERS.flatMap(([name, value, reason]): Case[] => [
    [client("127.0.0.1", { [name]: value }), reason],
    [client("10.0.0.7", { [name]: value, authorization: `Bearer ${TOKEN}` }), reason],
  ]),
  ...GOOD_HEADERS.map(([name, value]): Case => [client("127.0.0.1", { [name]: value }), undefined]),
  ...GOOD_HOSTS.map((host): Case => [client("127.0.0.1", { host }), undefined]),
  // Everyone needs the token.
  ...["127.0.0.1", "::1", "10.0.0.7"].flatMap((address): Case[] => [
    [client(address), "token", REQUIRED],
    [showing("Bearer wrong", address), "token", REQUIRED],
    [showing(`Bearer ${TOKEN}`, address), undefined, REQUIRED],
  ]),
  [client("127.0.0.6"), undefined, { drainAllow: [{ address: "127.0.0.6", bits: 32 }] }],
];

function guardOf(config: Partial<GuardConfig>, log = new KeptLog(), clock = new VirtualClock()) {
  return new Guard({ drainAllow: [], tokenRequired: false, ...config }, { clock, log });
}

test("the guard admits the pod, allowed addresses and the token, and warns of all others", async () => {
  const usual = { drainAllow: ALLOWED, tokenFile: await tokenFile() };
  for (const [client, reason, config] of CASES) {
    const log = new KeptLog();
    const refusal = await guardOf({ ...usual, ...config }, log).refusal("/drain", client);
    const what = JSON.stringify([client.address, ...client.headers, config]);
    assertEquals(refusal?.reason, reason, what);
    assertEquals(log.lines.length, reason === undefined ? 0 : 1, what);
  }
});

const probe = (address: string) => client(address, { "user-agent": "kube-probe/1.34" });

test("the first probe shows whether the kubelet's hook will be refused, and why", async () => {
  const usual = { drainAllow: ALLOWED };
  const tokens = { tokenFile: await tokenFile() };
  const cases: readonly (readonly [Client, RegExp | undefined, Partial<GuardConfig>?])[] = [
    [probe("10.0.0.7"), undefined],
    [probe("127.0.0.1"), undefined],
    [probe("10.88.0.1"), /probes come from 10\.88\.0\.1, .* set -drain-allow=10\.88\.0\.1 /],
    [probe("::ffff:127.0.0.6"), /probes come from 127\.0\.0\.6, .* keep the port out of the mesh /],
    [probe("10.88.0.1"), undefined, tokens],
    // Others than the kubelet may come from anywhere.
    [client("10.88.0.1", { "user-agent": "curl/8.5.0" }), undefined],
  ];
  for (const [first, warning, config] of cases) {
    const log = new KeptLog();
    const guard = guardOf({ ...usual, ...config }, log);
    assertEquals(await guard.foresee(first), warning !== undefined, first.address);
    assertMatch(log.text, warning ?? /^$/);
    // Only the first one counts: others may call themselves probes too.
    const isProbe = first.headers.get("user-agent")?.startsWith("kube-probe/");
    if (isProbe) assertEquals(await guard.foresee(probe("192.0.2.9")), false);
  }
});

test("a probe from where /drain is refused is counted, and answered as any other", async () => {
  for (const [from, refused] of [["127.0.0.1", 0], ["127.0.0.6", 1]] as const) {
    await using scene = await Scene.start();
    const status = await statusFrom(scene, from, "GET /livez", ["User-Agent: kube-probe/1.34"]);
    assertEquals(status, 200);
    const { text } = await scene.get("/metrics");
    assertMatch(text, new RegExp(`^nlb_registrator_prestop_hook_refused ${refused}$`, "m"));
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
  ["127.0.0.1", ["Origin: http://localhost"], 403],
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
  const refused = REAL_CLIENTS.filter(([, , one]) => one === 403).length;
  const counts = scene.stats.refusals.samples.map(([[reason], count]) => `${reason} ${count}`);
  assertEquals(counts, [`address ${refused - 1}`, "browser 1", "host 0", "token 0"]);
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
  const paths = ["/livez", "/startupz", "/readyz", "/in-service", "/target", "/status", "/metrics"];
  for (const path of paths) {
    assertEquals(await statusFrom(scene, "127.0.0.10", `GET ${path}`), 200, path);
  }
  assertEquals(await statusFrom(scene, "127.0.0.10", "GET /drain"), 403);
});

const OUTSIDE = showing(`Bearer ${TOKEN}`);

test("a refusal is logged with the address to allow, but never that of a proxy in the pod", async () => {
  const log = new KeptLog();
  const guard = guardOf({}, log);
  for (const address of ["::ffff:10.0.0.9", "127.0.0.6"]) {
    await guard.refusal("/drain", client(address));
  }
  assertEquals(log.lines.map((line) => line.replace(/ \{\}$/, "")), [
    "warn refused /drain from 10.0.0.9: if the kubelet connects from there, " +
    "set -drain-allow=10.0.0.9",
    "warn refused /drain from 127.0.0.6: a proxy in the pod connects from there for other clients; " +
    "keep the port out of the mesh",
  ]);
});

test("refusals do not fill the log: one line a minute for an address, 8 for all", async () => {
  const [clock, log] = [new VirtualClock(), new KeptLog()];
  const guard = guardOf({}, log, clock);
  const linesAfter = async (address: string) => {
    await guard.refusal("/drain", client(address));
    return log.lines.length;
  };
  const at = (time: number) => clock.run(new Promise<void>((resolve) => clock.at(time, resolve)));
  for (let count = 0; count < 5; count++) assertEquals(await linesAfter("192.0.2.1"), 1);
  for (let last = 2; last < 100; last++) await linesAfter(`192.0.2.${last}`);
  assertEquals(log.lines.length, 8);
  await at(59_999);
  assertEquals(await linesAfter("192.0.2.1"), 8);
  await at(60_000);
  assertEquals(await linesAfter("192.0.2.1"), 9);
});

const BAD_FILES: readonly [string, () => Promise<string>, string][] = [
  ["missing", () => Promise.resolve("/nowhere/token"), "does not exist"],
  ["empty", () => tokenFile(""), "is empty"],
  ["blank", () => tokenFile("\n \n"), "is empty"],
  ["a folder", () => Deno.makeTempDir({ dir: folder }), "is not a file"],
  ["too long", () => tokenFile("a".repeat(5_000)), "is longer than 4096 bytes"],
  ["of two words", () => tokenFile("one two"), "holds more than one word"],
  ["not ASCII", () => tokenFile("gehe\u00efm"), "holds characters other than ASCII"],
];

test("an unusable token file is warned of once, at the start, and admits no one", async () => {
  for (const [kind, path, why] of BAD_FILES) {
    const log = new KeptLog();
    const guard = guardOf({ tokenFile: await path() }, log);
    await guard.check();
    assertStringIncludes(log.text, why);
    for (const shown of [TOKEN, "", "undefined", "one", "gehe\u00efm", "a".repeat(5_000)]) {
      const refusal = await guard.refusal("/drain", showing(`Bearer ${shown}`));
      assertEquals(refusal?.reason, "address", kind);
    }
    assertEquals(log.lines.filter((line) => line.includes("no token is accepted")).length, 1);
  }
});

test("the server warns of an unusable token file when it starts", async () => {
  await using scene = await Scene.start({ tokenFile: "/nowhere/token" });
  assertStringIncludes(scene.log.text, "-drain-token-file /nowhere/token does not exist");
});

test("a token file is warned of when everybody may read it, and its token is good", async () => {
  for (const [mode, warnings] of [[0o440, 0], [0o444, 1]] as const) {
    const log = new KeptLog();
    const guard = guardOf({ tokenFile: await tokenFile(TOKEN, mode) }, log);
    await guard.check();
    assertEquals(await guard.refusal("/drain", OUTSIDE), undefined);
    assertEquals(log.lines.length, warnings);
    assertEquals(log.text.includes("every user may read"), warnings === 1);
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
  const guard = guardOf({ tokenFile: `${volume}/token` });
  const isAdmitted = async (client: Client) => await guard.refusal("/drain", client) === undefined;
  assertEquals(await isAdmitted(OUTSIDE), true);
  // As long, and perhaps as old to the millisecond.
  await put("..2", TOKEN.toUpperCase());
  assertEquals(await isAdmitted(OUTSIDE), false);
  const changed = showing(`Bearer ${TOKEN.toUpperCase()}`);
  assertEquals(await isAdmitted(changed), true);
  await Deno.remove(`${volume}/..data`);
  assertEquals(await isAdmitted(changed), false);
});
