/** Replies that no API gives and a proxy or an attacker may, keys that are refused, silence. */
import {
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FaultRule } from "../../emulator/faults.ts";
import { Http2Server } from "../../emulator/http2_server.ts";
import { bench, clientOptions, failure, refused, step } from "./bench.ts";
import type { Bench } from "./bench.ts";

const describe = new DescribeTargetGroupsCommand({});

/** What the container endpoint answers. */
function credentials(at: Bench, signal?: AbortSignal): Promise<Response> {
  return fetch(`${at.emulator.url}/v1/credentials`, {
    headers: { authorization: at.emulator.trust.containerToken },
    redirect: "manual",
    ...(signal === undefined ? {} : { signal }),
  });
}

async function withFault(rule: FaultRule): Promise<Bench> {
  return await bench({
    groups: [{ name: "kafka" }],
    faults: [{ ...rule, action: ["ContainerCredentials", "DescribeTargetGroups"] }],
  });
}

Deno.test("redirect answers 307 with another address, on the API and the credential endpoint", async () => {
  const to = "http://localhost:9/there";
  await using at = await withFault({ what: "redirect", to });
  const { status, headers, body } = await credentials(at);
  await body?.cancel();
  assertEquals([status, headers.get("location")], [307, to]);
  await refused(at.client.send(describe), "Unknown", 307);
});

Deno.test("gzip-bomb unpacks to the bytes that it names", async () => {
  await using at = await withFault({ what: "gzip-bomb", bytes: 3 * 2 ** 20 });
  const reply = await credentials(at);
  assert((await reply.bytes()).length === 3 * 2 ** 20);
});

Deno.test("endless-reply goes on until the client leaves", async () => {
  await using at = await withFault({ what: "endless-reply" });
  const { body } = await credentials(at);
  assert(body !== null);
  let length = 0;
  for await (const chunk of body) if ((length += chunk.length) > 2 ** 24) break;
  const gone = at.emulator.next(step("client-gone", "DescribeTargetGroups"));
  const abort = new AbortController();
  const call = failure(at.client.send(describe, { abortSignal: abort.signal }));
  await at.emulator.seen(step("call-received", "DescribeTargetGroups"));
  abort.abort();
  await Promise.all([call, gone]);
});

for (const what of ["many-roots", "giant-code"] as const) {
  Deno.test(`${what} is as long as its bytes say`, async () => {
    await using at = await withFault({ what, bytes: 4000 });
    const text = await (await credentials(at)).text();
    assertStringIncludes(text, what === "many-roots" ? "<a/>".repeat(1000) : "E".repeat(4000));
  });
}

Deno.test("revoke-key refuses the key of a call for good, and no other", async () => {
  const key = { accessKeyId: "AKIANEW", secretAccessKey: "secret", identity: "new" };
  await using at = await bench({
    groups: [{ name: "kafka" }],
    accessKeys: [key],
    faults: [{ what: "revoke-key", occurrence: "first", code: "UnrecognizedClientException" }],
  });
  for (let call = 0; call < 2; call++) {
    await refused(at.client.send(describe), "UnrecognizedClientException", 403, "invalid");
  }
  const other = new ElasticLoadBalancingV2Client({
    ...clientOptions(at.emulator),
    credentials: key,
  });
  await other.send(describe);
  other.destroy();
  assertEquals(at.emulator.calls.map(({ identity }) => identity), ["static", undefined, "new"]);
});

for (const by of ["fault", "test"] as const) {
  Deno.test(`a connection that a ${by} silences answers nothing more, and new ones do`, async () => {
    await using at = await bench();
    await at.client.send(describe);
    if (by === "test") at.emulator.silenceConnections();
    else at.emulator.addFault({ what: "silent-connection", occurrence: "first" });
    const patience = { abortSignal: AbortSignal.timeout(200) };
    assert(await failure(at.client.send(describe, patience)) instanceof Error);
    await at.client.send(describe);
    const answered = at.emulator.calls.filter(({ outcome }) => outcome === "answered");
    // Deno's HTTP client of Node sends a request that was aborted once more.
    const [first, ...later] = answered.map(({ connection }) => connection);
    assertEquals([first, later.includes(1), later.includes(2)], [1, false, true]);
  });
}

Deno.test("requests over HTTP/2 share a connection, until it is silenced", async () => {
  await using at = await bench();
  const folder = await Deno.makeTempDir();
  try {
    await using server = await Http2Server.start(folder, at.emulator.url);
    using client = Deno.createHttpClient({
      caCerts: [await Deno.readTextFile(server.authority)],
    });
    const get = async (signal = new AbortController().signal) =>
      await (await fetch(`${server.url}/nowhere`, { client, signal })).text();
    await Promise.all([get(), get()]);
    assertEquals(server.connections, 1);
    server.silenceConnections();
    assert(await failure(get(AbortSignal.timeout(200))) instanceof Error);
    using fresh = Deno.createHttpClient({
      caCerts: [await Deno.readTextFile(server.authority)],
    });
    await (await fetch(`${server.url}/nowhere`, { client: fresh })).text();
    assertEquals(server.connections, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("registering beyond the quota is refused until another target is deregistered", async () => {
  await using at = await bench({ groups: [{ name: "kafka", quota: 1 }] });
  at.emulator.registerByOther("kafka", { id: "10.0.0.1", port: 80 });
  await refused(at.register("10.0.0.2"), "TooManyTargets", 400, "more than 1 targets");
  await at.register("10.0.0.1");
  at.emulator.deregisterByOther("kafka", { id: "10.0.0.1", port: 80 });
  await at.register("10.0.0.2");
});

Deno.test("DescribeTargetHealth finds a target in its zone, or where no zone is named", async () => {
  await using at = await bench();
  await at.register("10.0.0.1");
  const state = async (zone?: string) => {
    const { TargetHealthDescriptions: [told] = [] } = await at.health("10.0.0.1", zone);
    return told?.TargetHealth?.Reason ?? told?.Target?.AvailabilityZone;
  };
  await at.emulator.seen((event) => event.kind === "state-changed" && event.to.state === "healthy");
  assertEquals(await state(), "eu-west-1a");
  assertEquals(await state("eu-west-1a"), "eu-west-1a");
  assertEquals(await state("eu-west-1b"), "Target.NotRegistered");
});
