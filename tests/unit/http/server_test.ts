import { connect } from "node:net";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Failure } from "../../../lib/host/exit.ts";
import { HttpServer } from "../../../lib/http/server.ts";
import { ROUTES } from "../../../lib/http/routes.ts";
import type { Status } from "../../../lib/lifecycle/status.ts";
import { Guard } from "../../../lib/http/guard.ts";
import { Stats } from "../../../lib/http/stats.ts";
import { sleep, systemClock } from "../../../lib/host/clock.ts";
import { test } from "../../test.ts";
import { KeptLog } from "../kept_log.ts";
import {
  FakeView,
  FAST,
  FlakyListener,
  GROUP,
  HEALTHY,
  request,
  Scene,
  untilClosed,
} from "./_http.ts";

// The limits that docs/http.md states.
const CONNECTIONS = 64;
const DRAIN_CLIENTS = 56;
const REQUESTS = 8;
const LINE = 2_048;
const HEAD = 8_192;

const UNHEALTHY = { state: "unhealthy", reason: "Target.FailedHealthChecks", age_seconds: 1 };

/** What `/in-service` answers in a state. */
const IN_SERVICE: readonly [Partial<Status>, number, string][] = [
  [{}, 200, "healthy in every target group"],
  [{ ready: false }, 200, "healthy in every target group"],
  [{ groups: [] }, 503, "the target groups are not known yet"],
  [
    { groups: [{ name: "kafka", arn: "arn", target_id: "10.0.0.1", membership: "registered" }] },
    503,
    "target group kafka: 10.0.0.1 has no health yet",
  ],
  [
    { groups: [GROUP, { ...GROUP, name: "zookeeper", health: UNHEALTHY }] },
    503,
    "target group zookeeper: 10.0.0.1 is unhealthy (Target.FailedHealthChecks)",
  ],
  [
    { groups: [{ ...GROUP, error: "the target group does not exist any more" }] },
    503,
    "the health of target group kafka: 10.0.0.1 is not observed any more: " +
    "the target group does not exist any more",
  ],
  [{ drain_requested: true }, 503, "a drain was requested"],
  [{ stopping: true }, 503, "the sidecar is stopping"],
];

/** What `/readyz` answers; it does not follow the target's health. */
const READINESS: readonly [Partial<Status>, number, string][] = [
  [{}, 200, "ready"],
  [{ groups: [{ ...GROUP, health: UNHEALTHY }] }, 200, "ready"],
  [{ ready: false }, 503, "not ready yet"],
  [{ ready: false, groups: [] }, 503, "the target groups are not known yet"],
  [
    { ready: false, groups: [{ ...GROUP, health: { state: "initial", age_seconds: 1 } }] },
    503,
    "target group kafka: 10.0.0.1 is initial",
  ],
  [{ ready: false, drain_requested: true }, 503, "a drain was requested"],
  [{ ready: false, stopping: true }, 503, "the sidecar is stopping"],
];

/** What `/target` answers in a state, and whether the application answers. */
const TARGET: readonly [Partial<Status>, boolean, number][] = [
  [{}, true, 200],
  [{}, false, 503],
  [{ drain_requested: true }, true, 503],
  [{ stopping: true }, true, 503],
  [{ phase: "registering", groups: [] }, true, 200],
];

test("each probe answers by the state alone", async () => {
  await using scene = await Scene.start();
  const states = [
    ...IN_SERVICE.map((state) => ["/in-service", ...state] as const),
    ...READINESS.map((state) => ["/readyz", ...state] as const),
  ];
  for (const [path, change, status, text] of states) {
    scene.view.current = { ...HEALTHY, ...change };
    assertEquals(await scene.get(path), { status, text: `${text}\n` });
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
  scene.view.current = { ...HEALTHY, drain_requested: true };
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
  for (let count = 0; count < DRAIN_CLIENTS; count++) {
    clients.push(await scene.connect(request("GET /drain", "Connection: close")));
  }
  await scene.view.drainRequested(DRAIN_CLIENTS);
  assertEquals((await scene.get("/drain")).status, 503);
  assertEquals((await scene.get("/livez")).status, 200);
  scene.view.drained.resolve({ outcome: "drained" });
  for (const reply of await Promise.all(clients.map(untilClosed))) {
    assertStringIncludes(reply, "200 OK");
  }
});

test("a drain continues when its client goes away, who takes no place any more", async () => {
  await using scene = await Scene.start();
  for (let count = 1; count <= 2 * DRAIN_CLIENTS; count++) {
    const client = connect({ host: "127.0.0.1", port: scene.port });
    client.write(request("GET /drain"));
    await scene.view.drainRequested(count);
    if (count % 2 === 0) client.destroy();
    else client.resetAndDestroy();
    assertEquals((await scene.get("/livez")).status, 200);
  }
  const reply = scene.get("/drain");
  await scene.view.drainRequested(2 * DRAIN_CLIENTS + 1);
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

test("an answer in progress is given although the server stops, which then ends at once", async () => {
  await using scene = await Scene.start();
  const client = await scene.connect(request("GET /drain"));
  await scene.view.drainRequested();
  const began = performance.now();
  const stopped = scene.stop();
  scene.view.drained.resolve({ outcome: "drained" });
  await stopped;
  assert(performance.now() - began < 900);
  assertStringIncludes(await untilClosed(client), "connection: close\r\n\r\ndrained\n");
  assertEquals(scene.log.lines.filter((line) => !line.startsWith("info listening")), []);
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
    for (const method of ["GET", "HEAD", "POST"]) {
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
  assertStringIncludes(reply, "content-length: 6\r\n");
  assertStringIncludes(reply, "cache-control: no-store\r\n");
  assert(reply.endsWith("\r\n\r\n"), reply);
});

const BODY = "a".repeat(4_096 + 1);
const LATE = 5_000;

/** What is sent, and the status that it is refused with. */
const BAD_REQUESTS: readonly [string, number][] = [
  [request("GET /livez", `X: ${"a".repeat(HEAD)}`), 431],
  [request("GET /livez", ...Array(2_000).fill("X: y")), 431],
  [request(`GET /${"a".repeat(LINE)}`), 414],
  [request("POST /drain", `Content-Length: ${BODY.length}`), 413],
  [request("POST /drain", "Transfer-Encoding: chunked") + "1\r\na\r\n0\r\n\r\n", 411],
  [request("POST /drain", "Content-Length: 3", "Transfer-Encoding: chunked") + "abc", 411],
  [request("POST /drain", "Content-Length: 3", "Expect: 100-continue"), 417],
  [request("POST /drain", "Content-Length: 3", "Content-Length: 4") + "abc", 400],
  [request("POST /drain", "Content-Length: 03") + "abc", 400],
  [request("GET /drain", "Host: x"), 400],
  [request("GET /drain", "X : y"), 400],
  [request("GET /drain", "X: y", " folded"), 400],
  [request("PUT /drain"), 501],
  ["GET /drain HTTP/1.1\r\n\r\n", 400],
  ["GET /drain HTTP/1.1\nHost: x\n\n", 400],
  ["GET http://localhost/drain HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["GET /drain HTTP/2.0\r\nHost: localhost\r\n\r\n", 400],
  ["GET\r\n\r\n", 400],
  ["garbage", 400],
  ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  // Without an end: refused when the time is up.
  ["GET /livez HTTP/1.1\r\nHost: x\r\n", 408],
  [request("POST /drain", "Content-Length: 9") + "abc", 408],
];

test("what is malformed, too large or late is refused and closed, and harms no one", async () => {
  await using scene = await Scene.start({}, FAST);
  await Promise.all(BAD_REQUESTS.map(async ([sent, status], index) => {
    await new Promise((resolve) => setTimeout(resolve, 2 * index));
    const began = FAST.now();
    // What follows it is never answered.
    const isWhole = sent.includes("\n") && status !== 408;
    const reply = await scene.raw(isWhole ? sent + request("GET /drain") : sent);
    const took = FAST.now() - began;
    const what = JSON.stringify([sent.slice(0, 80), reply, took]);
    assertEquals(reply.split("HTTP/1.1 ").length, 2, what);
    assert(reply.startsWith(`HTTP/1.1 ${status} `) && reply.includes("connection: close"), what);
    assert(status === 408 ? took >= LATE && took < 1.6 * LATE : took < LATE, what);
  }));
  assertEquals((await scene.get("/livez")).status, 200);
  assertEquals(scene.view.drainCalls, 0);
});

test("a request that is late is refused after a time without clients, too", async () => {
  await using scene = await Scene.start({}, FAST);
  for (let time = 0; time < 2; time++) {
    assertMatch(await scene.raw("GET /livez HTTP/1.1\r\n"), /^HTTP\/1\.1 408 /);
    // Longer than any deadline: nothing is looked after any more.
    await sleep(FAST.within(2 * LATE));
  }
}, { limit: 10_000 });

test("pipelined requests are answered in order, wherever they are split", async () => {
  await using scene = await Scene.start();
  scene.view.registered = "registering";
  scene.view.drained.resolve({ outcome: "drained" });
  const long = `X: ${"a".repeat(3_000)}`;
  const text = request("POST /register", "Content-Length: 2", long) + "{}" +
    request("GET /drain", long) + request("HEAD /livez", long) +
    request("GET /none", "Connection: close") + request("GET /livez");
  for (let at = 0; at <= text.length; at += Math.ceil(text.length / 25)) {
    const connection = await scene.connect(text.slice(0, at));
    await scene.get("/livez");
    await connection.write(new TextEncoder().encode(text.slice(at)));
    const statuses = (await untilClosed(connection)).matchAll(/HTTP\/1\.1 (\d+)/g);
    assertEquals([...statuses].map(([, status]) => status), ["202", "200", "200", "404"]);
  }
});

test("a client that closes its side is answered: a request is complete without it", async () => {
  await using scene = await Scene.start();
  const halfClosed = async (text: string) => {
    const connection = await scene.connect(text);
    await connection.closeWrite();
    return untilClosed(connection);
  };
  const drained = halfClosed(request("GET /drain"));
  await scene.view.drainRequested();
  assertStringIncludes(await halfClosed(request("GET /livez").slice(0, -2)), " 400 ");
  assertStringIncludes(await halfClosed("GET /livez HTTP/1.0\r\n\r\n"), "alive");
  assertEquals(await halfClosed(""), "");
  scene.view.drained.resolve({ outcome: "drained" });
  assertStringIncludes(await drained, "\r\n\r\ndrained\n");
});

test("a connection is kept for the next request, and closed when the client says so", async () => {
  await using scene = await Scene.start({}, FAST);
  const kept = await scene.connect(request("GET /livez"));
  const read = async () => {
    const buffer = new Uint8Array(4_096);
    return new TextDecoder().decode(buffer.subarray(0, await kept.read(buffer) ?? 0));
  };
  assert(!/connection/i.test(await read()));
  await kept.write(new TextEncoder().encode(request("GET /livez")));
  assertStringIncludes(await read(), "alive");
  for (
    const last of [request("GET /livez", "Connection: x, Close"), "GET /livez HTTP/1.0\r\n\r\n"]
  ) {
    assertStringIncludes(await scene.raw(last), "connection: close\r\n");
  }
  const many = await scene.raw(request("GET /livez").repeat(REQUESTS + 1));
  assertEquals(many.split("alive").length - 1, REQUESTS);
  // It is closed without a word when its time is up.
  assertEquals(await untilClosed(kept), "");
}, { limit: 3_000 });

test("a refused client may still send: a reset could take its answer from it", async () => {
  await using scene = await Scene.start();
  const client = await scene.connect(request("POST /drain", "Content-Length: 300000"));
  const buffer = new Uint8Array(10_000);
  const answer = buffer.subarray(0, await client.read(buffer) ?? 0);
  assertStringIncludes(new TextDecoder().decode(answer), " 413 ");
  for (let count = 0; count < 30; count++) await client.write(new Uint8Array(10_000));
  await client.closeWrite();
  assertEquals(await client.read(buffer), null);
}, { limit: 5_000 });

test("a client that does not read its answer is cut off", async () => {
  await using scene = await Scene.start({}, FAST);
  scene.view.current = { ...HEALTHY, groups: Array(100_000).fill(GROUP) };
  const client = await scene.connect(request("GET /status"));
  const first = await client.read(new Uint8Array(1_000));
  await new Promise((resolve) => setTimeout(resolve, 800));
  const rest = await untilClosed(client);
  // The whole is 29 MB, of which the system holds some.
  assert((first ?? 0) + rest.length < 10_000_000, `${rest.length}`);
}, { limit: 5_000 });

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
  assertEquals({ status, text }, { status: 500, text: "internal error: see the sidecar's log\n" });
  assertStringIncludes(scene.log.text, "a secret of the inside");
});

const SLOW = ["", "GET /livez HTTP/1.1\r\n", request("POST /drain", "Content-Length: 9") + "abc"];

test("beyond 64 connections, the oldest incomplete ones are closed, never a drain's", async () => {
  for (const sent of SLOW) {
    await using scene = await Scene.start();
    const drained = scene.raw(request("GET /drain", "Connection: close"));
    await scene.view.drainRequested();
    const slow: { isClosed: boolean }[] = [];
    for (let count = 0; count < CONNECTIONS + 8; count++) {
      const client = { isClosed: false };
      void untilClosed(await scene.connect(sent)).then(() => client.isClosed = true);
      slow.push(client);
    }
    assertStringIncludes(await scene.raw(request("GET /readyz", "Connection: close")), "ready");
    // Beside the drain and the probe, 62 can be open.
    assertEquals(slow.map(({ isClosed }) => isClosed), slow.map((_, index) => index < 10), sent);
    scene.view.drained.resolve({ outcome: "drained" });
    assertStringIncludes(await drained, "200 OK");
  }
}, { limit: 5_000 });

test(
  "a part of a request goes before silence, silence before an answer, and none before its turn",
  async () => {
    await using scene = await Scene.start();
    const checked = Promise.withResolvers<void>();
    const application = Promise.withResolvers<boolean>();
    scene.view.answers = () => {
      checked.resolve();
      return application.promise;
    };
    const answering = scene.raw(request("GET /target", "Connection: close"));
    await checked.promise;
    const silent = await scene.connect("");
    const partial = untilClosed(await scene.connect("GET /"));
    const next = await scene.connect("");
    for (let count = 5; count <= CONNECTIONS + 2; count++) await scene.connect("");
    assertEquals(await partial, "");
    // It is the oldest silent one, and there is one connection too many.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await silent.write(new TextEncoder().encode(request("GET /livez", "Connection: close")));
    assertStringIncludes(await untilClosed(silent), "alive");
    await scene.connect("");
    assertEquals(await untilClosed(next), "");
    application.resolve(true);
    assertStringIncludes(await answering, "in service");
  },
  { limit: 5_000 },
);

test("a service that stops waits a second for its clients, and no longer", async () => {
  await using scene = await Scene.start({}, FAST);
  const waiting = scene.raw(request("GET /drain"));
  await scene.view.drainRequested();
  const idle = await scene.connect("");
  await scene.get("/livez");
  const began = FAST.now();
  const stopped = scene.stop();
  assertEquals(await untilClosed(idle), "");
  await stopped;
  const took = FAST.now() - began;
  assert(took >= 1_000 && took < 4_000, `${took} ms`);
  assertEquals(await waiting, "");
});

test("an answer that does not come is 503, and not waited for without end", async () => {
  await using scene = await Scene.start({}, FAST);
  scene.view.answers = () => new Promise(() => {});
  assertEquals(await scene.get("/target"), { status: 503, text: "no answer within 5 s\n" });
}, { limit: 3_000 });

test(
  "when the system cannot accept, the server closes a connection, warns once, and continues",
  async () => {
    const listener = new FlakyListener();
    const [log, stats, view] = [new KeptLog(), new Stats(), new FakeView()];
    const options = { log, stats, view, clock: systemClock };
    const guard = new Guard({ drainAllow: [], tokenRequired: false }, options);
    await using server = new HttpServer(listener, guard, options);
    const slow = await Deno.connect({ port: server.port });
    await slow.write(new TextEncoder().encode("GET /"));
    listener.failures = 3;
    // This one is accepted before the failures, the next after them.
    for (let count = 0; count < 2; count++) {
      const response = await fetch(`http://127.0.0.1:${server.port}/livez`, {
        headers: { connection: "close" },
      });
      assertEquals(await response.text(), "alive\n");
    }
    assertEquals(await untilClosed(slow), "");
    slow.close();
    assertEquals(log.lines.length, 1);
    assertStringIncludes(log.text, "warn the HTTP server cannot accept connections");
    assertStringIncludes(log.text, "Too many open files");
  },
  { limit: 3_000 },
);

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
    ["127.0.0.1", scene.port, "another process in the pod uses the port"],
    ["192.0.2.1", 0, "cannot listen there"],
  ] as const;
  for (const [hostname, port, why] of addresses) {
    const failure = await assertRejects(() => Scene.start({ listen: { hostname, port } }), Failure);
    assertEquals(failure.exit, "usage");
    assertStringIncludes(failure.message, `-listen ${hostname}:${port}: ${why}`);
  }
});

test("every thousandth client is followed by a moment to tidy up", async () => {
  await using scene = await Scene.start();
  const clients = async (count: number) => {
    for (; count > 0; count--) await scene.raw(request("GET /livez", "Connection: close"));
  };
  await clients(999);
  assertEquals(scene.idleMoments, 0);
  await clients(1_050);
  assertEquals(scene.idleMoments, 2);
});
