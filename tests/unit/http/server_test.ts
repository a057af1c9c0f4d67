import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Failure } from "../../../lib/host/failure.ts";
import { LIMITS } from "../../../lib/http/server.ts";
import { ROUTES } from "../../../lib/http/routes.ts";
import { HEALTHY, Scene, untilClosed } from "./_http.ts";

const [GROUP] = HEALTHY.groups;

Deno.test("/livez and /startupz answer 200 whatever the target's state is", async () => {
  await using scene = await Scene.start();
  scene.view.current = { ...HEALTHY, phase: "waiting-for-application", groups: [] };
  assertEquals(await scene.ask("/livez"), { status: 200, text: "alive\n" });
  assertEquals(await scene.ask("/startupz"), { status: 200, text: "started\n" });
});

const READINESS: readonly [string, Partial<typeof HEALTHY>, number, string][] = [
  ["healthy in its only group", {}, 200, "healthy in every target group"],
  ["without any group yet", { groups: [] }, 503, "the target groups are not known yet"],
  [
    "without an answer yet",
    { groups: [{ ...GROUP!, health: undefined } as unknown as typeof GROUP & object] },
    503,
    "target group kafka: 10.0.0.1 has no health yet",
  ],
  [
    "unhealthy in one of two groups",
    {
      groups: [GROUP!, {
        ...GROUP!,
        name: "zookeeper",
        health: { state: "unhealthy", reason: "Target.FailedHealthChecks", age: 1 },
      }],
    },
    503,
    "target group zookeeper: 10.0.0.1 is unhealthy (Target.FailedHealthChecks)",
  ],
  [
    "healthy once, in a group that is deleted",
    { groups: [{ ...GROUP!, fault: "the target group does not exist any more" }] },
    503,
    "target group kafka: 10.0.0.1 is not watched any more: the target group does not exist any more",
  ],
  ["healthy but draining", { drainRequested: true }, 503, "a drain was asked for"],
  ["healthy but stopping", { stopping: true }, 503, "the sidecar is stopping"],
];

for (const [state, change, status, text] of READINESS) {
  Deno.test(`/readyz of a target that is ${state}: ${status}`, async () => {
    await using scene = await Scene.start();
    scene.view.current = { ...HEALTHY, ...change };
    assertEquals(await scene.ask("/readyz"), { status, text: `${text}\n` });
  });
}

const TARGET: readonly [string, Partial<typeof HEALTHY>, boolean, number][] = [
  ["the application answers", {}, true, 200],
  ["the application does not answer", {}, false, 503],
  ["a drain was asked for", { drainRequested: true }, true, 503],
  ["a stop signal came", { stopping: true }, true, 503],
  ["the target is not registered yet", { phase: "registering", groups: [] }, true, 200],
];

for (const [state, change, answers, status] of TARGET) {
  Deno.test(`/target when ${state}: ${status}`, async () => {
    await using scene = await Scene.start();
    scene.view.current = { ...HEALTHY, ...change };
    scene.view.answers = () => Promise.resolve(answers);
    assertEquals((await scene.ask("/target")).status, status);
  });
}

Deno.test("/target is 503 when a drain begins while the application is asked", async () => {
  await using scene = await Scene.start();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<boolean>();
  scene.view.answers = () => {
    asked.resolve();
    return answer.promise;
  };
  const reply = scene.ask("/target");
  await asked.promise;
  scene.view.current = { ...HEALTHY, drainRequested: true };
  answer.resolve(true);
  assertEquals((await reply).status, 503);
});

for (const method of ["GET", "POST"]) {
  Deno.test(`${method} /drain answers 200 when drained, and not before`, async () => {
    await using scene = await Scene.start();
    const reply = scene.ask("/drain", { method });
    await scene.view.askedToDrain();
    let answered = false;
    reply.then(() => answered = true);
    // Other calls come and go meanwhile.
    assertEquals((await scene.ask("/livez")).status, 200);
    assertEquals(answered, false);
    scene.view.drained.resolve({ outcome: "drained" });
    assertEquals(await reply, { status: 200, text: "drained\n" });
  });
}

Deno.test("/drain answers 500 with the reason when it failed", async () => {
  await using scene = await Scene.start();
  scene.view.drained.resolve({ outcome: "failed", reason: "it could not be confirmed" });
  assertEquals(await scene.ask("/drain"), { status: 500, text: "it could not be confirmed\n" });
});

Deno.test("50 callers of /drain all get the one answer", async () => {
  await using scene = await Scene.start();
  const replies = Array.from({ length: 50 }, () => scene.ask("/drain"));
  await scene.view.askedToDrain(50);
  scene.view.drained.resolve({ outcome: "drained" });
  const statuses = (await Promise.all(replies)).map(({ status }) => status);
  assertEquals(statuses, Array(50).fill(200));
});

Deno.test("callers of /drain never take the last connections from the probes", async () => {
  await using scene = await Scene.start();
  const callers: Deno.Conn[] = [];
  for (let count = 0; count < LIMITS.drainCallers; count++) {
    callers.push(await scene.connect("GET /drain HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  await scene.view.askedToDrain(LIMITS.drainCallers);
  assertEquals((await scene.ask("/drain")).status, 503);
  assertEquals((await scene.ask("/livez")).status, 200);
  scene.view.drained.resolve({ outcome: "drained" });
  for (const reply of await Promise.all(callers.map(untilClosed))) {
    assertStringIncludes(reply, "200 OK");
  }
});

Deno.test("a drain goes on when its caller goes away, and the next call joins it", async () => {
  await using scene = await Scene.start();
  const gone = await scene.connect("GET /drain HTTP/1.1\r\nHost: x\r\n\r\n");
  await scene.view.askedToDrain();
  gone.close();
  const reply = scene.ask("/drain");
  await scene.view.askedToDrain(2);
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals(await reply, { status: 200, text: "drained\n" });
  assertEquals(scene.log.lines.filter((line) => /^(warn|error)/.test(line)), []);
});

Deno.test("callers of /drain who have gone away take no places", async () => {
  await using scene = await Scene.start();
  for (let calls = 1; calls <= LIMITS.drainCallers + 4; calls++) {
    const caller = await scene.connect("GET /drain HTTP/1.1\r\nHost: x\r\n\r\n");
    await scene.view.askedToDrain(calls);
    caller.close();
    assertEquals((await scene.ask("/livez")).status, 200);
  }
});

Deno.test("half a request for a drain begins none", async () => {
  await using scene = await Scene.start();
  const half = await scene.connect(
    "POST /drain HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
  );
  await scene.ask("/livez");
  half.close();
  await scene.ask("/livez");
  await scene.stop();
  assertEquals(scene.view.drainCalls, 0);
});

Deno.test("an answer under way is given although the service stops", async () => {
  await using scene = await Scene.start();
  const reply = scene.ask("/drain");
  await scene.view.askedToDrain();
  const stopped = scene.stop();
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await reply).status, 200);
  await stopped;
});

for (
  const [registered, status] of [["registering", 202], ["not-drained", 200], [
    "stopping",
    409,
  ]] as const
) {
  Deno.test(`POST /register when ${registered}: ${status}`, async () => {
    await using scene = await Scene.start();
    scene.view.registered = registered;
    assertEquals((await scene.ask("/register", { method: "POST" })).status, status);
    assertEquals(scene.view.registerCalls, 1);
  });
}

Deno.test("an unknown path is 404", async () => {
  await using scene = await Scene.start();
  for (const path of ["/", "/drain/", "/Drain", "/readyz/x", "//livez", "/%64rain"]) {
    assertEquals((await scene.ask(path)).status, 404, path);
  }
  assertEquals(scene.view.drainCalls, 0);
});

Deno.test("a query changes nothing", async () => {
  await using scene = await Scene.start();
  assertEquals((await scene.ask("/livez?verbose")).status, 200);
});

for (const [path, { methods }] of ROUTES) {
  Deno.test(`${path} by a wrong method is 405 with what is allowed`, async () => {
    await using scene = await Scene.start();
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
      if (methods.includes(method)) continue;
      const response = await scene.fetch(path, { method });
      await response.body?.cancel();
      assertEquals(response.status, 405, method);
      assertEquals(response.headers.get("allow"), methods.join(", "));
    }
    assertEquals([scene.view.drainCalls, scene.view.registerCalls], [0, 0]);
  });
}

Deno.test("HEAD has the headers of GET and no body", async () => {
  await using scene = await Scene.start();
  const reply = await scene.raw("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  assertStringIncludes(reply, "200 OK");
  assertStringIncludes(reply.toLowerCase(), "content-length: 6\r\n");
  assert(reply.endsWith("\r\n\r\n"), reply);
});

Deno.test("headers that are too long are 431", async () => {
  await using scene = await Scene.start();
  const long = "a".repeat(LIMITS.headerBytes);
  assertStringIncludes(await scene.raw(`GET /livez HTTP/1.1\r\nX: ${long}\r\n\r\n`), " 431 ");
  assertStringIncludes(await scene.raw(`GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`), " 431 ");
});

Deno.test("a body that is too long is 413, whether or not it says so before", async () => {
  await using scene = await Scene.start();
  const said = `POST /drain HTTP/1.1\r\nHost: x\r\nContent-Length: ${LIMITS.bodyBytes + 1}\r\n\r\n`;
  assertStringIncludes(await scene.raw(said), " 413 ");
  const size = (LIMITS.bodyBytes + 1).toString(16);
  const chunk = `${size}\r\n${"a".repeat(LIMITS.bodyBytes + 1)}\r\n`;
  const unsaid = `POST /drain HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;
  assertStringIncludes(await scene.raw(unsaid), " 413 ");
  assertEquals(scene.view.drainCalls, 0);
});

Deno.test("a short body is taken and not looked at", async () => {
  await using scene = await Scene.start();
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await scene.ask("/drain", { method: "POST", body: "{}" })).status, 200);
});

for (
  const text of [
    "garbage\r\n\r\n",
    "GET\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
  ]
) {
  Deno.test(`what is no HTTP is closed and harms nobody: ${JSON.stringify(text)}`, async () => {
    await using scene = await Scene.start();
    const reply = await scene.raw(text);
    assert(reply === "" || reply.startsWith("HTTP/1.1 400"), reply);
    assertEquals((await scene.ask("/livez")).status, 200);
  });
}

Deno.test("a fault in an answer is 500 without a word of where it was", async () => {
  await using scene = await Scene.start();
  scene.view.status = () => {
    throw new Error("a secret of the inside");
  };
  const { status, text } = await scene.ask("/status");
  assertEquals({ status, text }, { status: 500, text: "internal fault: see the sidecar's log\n" });
  assertStringIncludes(scene.log.lines.join("\n"), "a secret of the inside");
});

Deno.test("clients who send nothing, or slowly, keep no probe out and cut no answer off", async () => {
  await using scene = await Scene.start();
  const drained = scene.ask("/drain");
  await scene.view.askedToDrain();
  const slow: Promise<string>[] = [];
  for (let count = 0; count < 2 * LIMITS.connections; count++) {
    slow.push(untilClosed(await scene.connect(count % 2 === 0 ? "" : "GET /livez HTTP/1.1\r\n")));
    if (count % 16 === 0) assertEquals((await scene.ask("/livez")).status, 200);
  }
  assertEquals((await scene.ask("/readyz")).status, 200);
  // The first ones had to go for the later ones; whose time was up is told so (408).
  const replies = await Promise.all(slow.slice(0, LIMITS.connections));
  assert(replies.includes(""), replies.join());
  scene.view.drained.resolve({ outcome: "drained" });
  assertEquals((await drained).status, 200);
});

Deno.test("a client who does not end its request is cut off", async () => {
  await using scene = await Scene.start();
  const replies = await Promise.all([
    scene.raw("GET /livez HTTP/1.1\r\nHost: x\r\n"),
    scene.raw("POST /drain HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"),
  ]);
  for (const reply of replies) assertStringIncludes(reply, " 408 ");
  assertEquals(scene.view.drainCalls, 0);
});

Deno.test("an answer that does not come is 503, and not waited for without end", async () => {
  await using scene = await Scene.start();
  scene.view.answers = () => new Promise(() => {});
  assertEquals(await scene.ask("/target"), { status: 503, text: "no answer in time\n" });
});

Deno.test("the service listens on IPv4 and on IPv6", async () => {
  await using scene = await Scene.start({ listen: { hostname: "::", port: 0 } });
  for (const host of ["127.0.0.1", "[::1]"]) {
    const response = await fetch(`http://${host}:${scene.port}/livez`);
    assertEquals(await response.text(), "alive\n");
  }
});

Deno.test("a port in use is a usage fault that names the address", async () => {
  await using scene = await Scene.start();
  const again = Scene.start({ listen: { hostname: "127.0.0.1", port: scene.port } });
  const failure = await assertRejects(() => again, Failure);
  assertEquals(failure.exit, "usage");
  assertStringIncludes(failure.message, `-listen 127.0.0.1:${scene.port}: the port is in use`);
});

Deno.test("an address of another host is a usage fault", async () => {
  const failure = await assertRejects(
    () => Scene.start({ listen: { hostname: "192.0.2.1", port: 0 } }),
    Failure,
  );
  assertEquals(failure.exit, "usage");
  assertStringIncludes(failure.message, "-listen 192.0.2.1:0: the sidecar cannot listen there");
});

Deno.test("every thousandth answer is a moment to tidy up", async () => {
  await using scene = await Scene.start();
  for (let asked = 0; asked < 999; asked++) await scene.ask("/livez");
  assertEquals(scene.rests, 0);
  for (let asked = 0; asked < 1_001; asked++) await scene.ask("/livez");
  await scene.stop();
  assertEquals(scene.rests, 2);
});
