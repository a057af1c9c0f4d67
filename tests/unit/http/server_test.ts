import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Failure } from "../../../lib/host/exit.ts";
import { LIMITS } from "../../../lib/http/server.ts";
import { REQUEST_LIMITS } from "../../../lib/http/request.ts";
import { ROUTES } from "../../../lib/http/routes.ts";
import type { Status } from "../../../lib/lifecycle/status.ts";
import { test } from "../../test.ts";
import { GROUP, HEALTHY, request, Scene, untilClosed } from "./_http.ts";

/** What `/readyz` answers in a state. */
const READINESS: readonly [Partial<Status>, number, string][] = [
  [{}, 200, "healthy in every target group"],
  [{ groups: [] }, 503, "the target groups are not known yet"],
  [
    { groups: [{ name: "kafka", arn: "arn", targetId: "10.0.0.1", membership: "registered" }] },
    503,
    "target group kafka: 10.0.0.1 has no health yet",
  ],
  [
    {
      groups: [GROUP, {
        ...GROUP,
        name: "zookeeper",
        health: { state: "unhealthy", reason: "Target.FailedHealthChecks", age: 1 },
      }],
    },
    503,
    "target group zookeeper: 10.0.0.1 is unhealthy (Target.FailedHealthChecks)",
  ],
  [
    { groups: [{ ...GROUP, error: "the target group does not exist any more" }] },
    503,
    "target group kafka: 10.0.0.1 is not watched any more: the target group does not exist any more",
  ],
  [{ drainRequested: true }, 503, "a drain was asked for"],
  [{ stopping: true }, 503, "the sidecar is stopping"],
];

/** What `/target` answers in a state, and whether the application answers. */
const TARGET: readonly [Partial<Status>, boolean, number][] = [
  [{}, true, 200],
  [{}, false, 503],
  [{ drainRequested: true }, true, 503],
  [{ stopping: true }, true, 503],
  [{ phase: "registering", groups: [] }, true, 200],
];

test("each probe answers by the state alone", async () => {
  await using scene = await Scene.start();
  for (const [change, status, text] of READINESS) {
    scene.view.current = { ...HEALTHY, ...change };
    assertEquals(await scene.get("/readyz"), { status, text: `${text}\n` });
    assertEquals(await scene.get("/livez"), { status: 200, text: "alive\n" });
    assertEquals(await scene.get("/startupz"), { status: 200, text: "started\n" });
  }
  for (const [change, answers, status] of TARGET) {
    scene.view.current = { ...HEALTHY, ...change };
    scene.view.answers = () => Promise.resolve(answers);
    assertEquals((await scene.get("/target")).status, status, JSON.stringify(change));
  }
});

test("/target is 503 when a drain begins while the application is checked", async () => {
  await using scene = await Scene.start();
  const checked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<boolean>();
  scene.view.answers = () => {
    checked.resolve();
    return answer.promise;
  };
  const reply = scene.get("/target");
  await checked.promise;
  scene.view.current = { ...HEALTHY, drainRequested: true };
  answer.resolve(true);
  assertEquals((await reply).status, 503);
});

test("/drain answers all its clients when drained, and not before", async () => {
  await using scene = await Scene.start();
  let answered = 0;
  const replies = Array.from({ length: 50 }, async (_, index) => {
    const reply = await scene.get("/drain", { method: index % 2 === 0 ? "GET" : "POST" });
    answered++;
    return reply;
  });
  await scene.view.drainRequested(50);
  // Other requests come and go meanwhile.
  assertEquals((await scene.get("/livez")).status, 200);
  assertEquals(answered, 0);
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals(await Promise.all(replies), Array(50).fill({ status: 200, text: "drained\n" }));
});

test("/drain answers 500 with the reason when it failed", async () => {
  await using scene = await Scene.start();
  scene.view.drained.resolve({ outcome: "failed", reason: "it could not be confirmed" });
  assertEquals(await scene.get("/drain"), { status: 500, text: "it could not be confirmed\n" });
});

test("clients of /drain never take the last connections from the probes", async () => {
  await using scene = await Scene.start();
  const clients: Deno.Conn[] = [];
  for (let count = 0; count < LIMITS.drainClients; count++) {
    clients.push(await scene.connect(request("GET /drain", "Connection: close")));
  }
  await scene.view.drainRequested(LIMITS.drainClients);
  assertEquals((await scene.get("/drain")).status, 503);
  assertEquals((await scene.get("/livez")).status, 200);
  scene.view.drained.resolve({ outcome: "drained" });
  for (const reply of await Promise.all(clients.map(untilClosed))) {
    assertStringIncludes(reply, "200 OK");
  }
});

test("a drain continues when its client goes away, who takes no place any more", async () => {
  await using scene = await Scene.start();
  for (let count = 1; count <= LIMITS.drainClients + 4; count++) {
    const client = await scene.connect(request("GET /drain"));
    await scene.view.drainRequested(count);
    client.close();
    assertEquals((await scene.get("/livez")).status, 200);
  }
  const reply = scene.get("/drain");
  await scene.view.drainRequested(LIMITS.drainClients + 5);
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals(await reply, { status: 200, text: "drained\n" });
  assertEquals(scene.log.lines.filter((line) => /^(warn|error)/.test(line)), []);
});

test("half a request for a drain begins none", async () => {
  await using scene = await Scene.start();
  const half = await scene.connect(request("POST /drain", "Content-Length: 9") + "abc");
  await scene.get("/livez");
  half.close();
  await scene.get("/livez");
  await scene.stop();
  assertEquals(scene.view.drainCalls, 0);
});

test("an answer in progress is given although the service stops", async () => {
  await using scene = await Scene.start();
  const reply = scene.get("/drain");
  await scene.view.drainRequested();
  const stopped = scene.stop();
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await reply).status, 200);
  await stopped;
});

test("POST /register answers what came of it", async () => {
  await using scene = await Scene.start();
  for (const [outcome, status] of Object.entries(REGISTERED)) {
    scene.view.registered = outcome as keyof typeof REGISTERED;
    assertEquals((await scene.get("/register", { method: "POST" })).status, status);
  }
  assertEquals(scene.view.registerCalls, 3);
});

const REGISTERED = { "registering": 202, "not-drained": 200, "stopping": 409 };

test("an unknown path is 404, and a query changes nothing", async () => {
  await using scene = await Scene.start();
  for (const path of ["/", "/drain/", "/Drain", "/readyz/x", "//livez", "/%64rain"]) {
    assertEquals((await scene.get(path)).status, 404, path);
  }
  assertEquals(scene.view.drainCalls, 0);
  assertEquals((await scene.get("/livez?verbose")).status, 200);
});

test("a wrong method is 405 with what is allowed", async () => {
  await using scene = await Scene.start();
  for (const [path, { methods }] of ROUTES) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
      if (methods.includes(method)) continue;
      const response = await scene.fetch(path, { method });
      await response.body?.cancel();
      assertEquals(response.status, 405, `${method} ${path}`);
      assertEquals(response.headers.get("allow"), methods.join(", "));
    }
  }
  assertEquals([scene.view.drainCalls, scene.view.registerCalls], [0, 0]);
});

test("HEAD has the headers of GET and no body", async () => {
  await using scene = await Scene.start();
  const reply = await scene.raw(request("HEAD /livez", "Connection: close"));
  assertStringIncludes(reply, "200 OK");
  assertStringIncludes(reply.toLowerCase(), "content-length: 6\r\n");
  assert(reply.endsWith("\r\n\r\n"), reply);
});

const LONG = "a".repeat(REQUEST_LIMITS.head);
const BODY = "a".repeat(REQUEST_LIMITS.body + 1);
const CHUNKED = request("POST /drain", "Transfer-Encoding: chunked");

/** What is sent, and the statuses that are right for it; 0: closed without an answer. */
const BAD_REQUESTS: readonly [string, readonly number[]][] = [
  [request("GET /livez", `X: ${LONG}`), [431]],
  [request(`GET /${LONG}`), [431]],
  [request("POST /drain", `Content-Length: ${BODY.length}`), [413]],
  [`${CHUNKED}${BODY.length.toString(16)}\r\n${BODY}\r\n`, [413]],
  ["garbage\r\n\r\n", [0, 400]],
  ["GET\r\n\r\n", [0, 400]],
  ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", [0, 400]],
  // Without an end: cut off when the time is up.
  ["GET /livez HTTP/1.1\r\nHost: x\r\n", [408]],
  [request("POST /drain", "Content-Length: 9") + "abc", [408]],
];

test("what is too long, no HTTP or has no end is refused, and harms nobody", async () => {
  await using scene = await Scene.start();
  await Promise.all(BAD_REQUESTS.map(async ([sent, statuses]) => {
    const reply = await scene.raw(sent);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1] ?? 0);
    assert(statuses.includes(status), JSON.stringify([sent.slice(0, 80), reply]));
  }));
  assertEquals((await scene.get("/livez")).status, 200);
  assertEquals(scene.view.drainCalls, 0);
});

test("a short body is accepted and ignored", async () => {
  await using scene = await Scene.start();
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await scene.get("/drain", { method: "POST", body: "{}" })).status, 200);
});

test("an error in an answer is 500 without a word of where it was", async () => {
  await using scene = await Scene.start();
  scene.view.status = () => {
    throw new Error("a secret of the inside");
  };
  const { status, text } = await scene.get("/status");
  assertEquals({ status, text }, { status: 500, text: "internal fault: see the sidecar's log\n" });
  assertStringIncludes(scene.log.text, "a secret of the inside");
});

test("clients who send nothing, or slowly, keep no probe out and cut no answer off", async () => {
  await using scene = await Scene.start();
  const drained = scene.get("/drain");
  await scene.view.drainRequested();
  const slow: Promise<string>[] = [];
  for (let count = 0; count < 2 * LIMITS.connections; count++) {
    slow.push(untilClosed(await scene.connect(count % 2 === 0 ? "" : "GET /livez HTTP/1.1\r\n")));
    if (count % 16 === 0) assertEquals((await scene.get("/livez")).status, 200);
  }
  assertEquals((await scene.get("/readyz")).status, 200);
  // The first ones had to go for the later ones.
  const replies = await Promise.all(slow.slice(0, LIMITS.connections));
  assert(replies.includes(""), replies.join());
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await drained).status, 200);
});

test("an answer that does not come is 503, and not waited for without end", async () => {
  await using scene = await Scene.start();
  scene.view.answers = () => new Promise(() => {});
  assertEquals(await scene.get("/target"), { status: 503, text: "no answer in time\n" });
}, { limit: 8_000 });

test("the service listens on IPv4 and on IPv6", async () => {
  await using scene = await Scene.start({ listen: { hostname: "::", port: 0 } });
  for (const host of ["127.0.0.1", "[::1]"]) {
    const response = await fetch(`http://${host}:${scene.port}/livez`);
    assertEquals(await response.text(), "alive\n");
  }
});

test("an address that cannot be listened on is a usage failure that names it", async () => {
  await using scene = await Scene.start();
  const addresses = [
    ["127.0.0.1", scene.port, "the port is in use"],
    ["192.0.2.1", 0, "the sidecar cannot listen there"],
  ] as const;
  for (const [hostname, port, why] of addresses) {
    const failure = await assertRejects(() => Scene.start({ listen: { hostname, port } }), Failure);
    assertEquals(failure.exit, "usage");
    assertStringIncludes(failure.message, `-listen ${hostname}:${port}: ${why}`);
  }
});

test("every thousandth answer is a moment to tidy up", async () => {
  await using scene = await Scene.start();
  for (let count = 0; count < 999; count++) await scene.get("/livez");
  assertEquals(scene.rests, 0);
  for (let count = 0; count < 1_001; count++) await scene.get("/livez");
  await scene.stop();
  assertEquals(scene.rests, 2);
});
