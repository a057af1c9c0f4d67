/** One question to an application, at its socket. */
import { assertEquals } from "@std/assert";
import { systemClock } from "../../../lib/host/clock.ts";
import { type Answer, probe } from "../../../lib/application/probe.ts";
import {
  Acceptor,
  deadPort,
  httpAddress,
  selfSigned,
  tcpAddress,
  untilClosed,
} from "./_servers.ts";

const forEver = () => new AbortController().signal;

/** Serves one reply, asks for it, and shuts down: which ends only without open connections. */
async function answerTo(reply: () => Response, path = "/"): Promise<Answer> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, reply);
  const answer = await probe(httpAddress(server.addr.port, path), forEver());
  await server.shutdown();
  return answer;
}

async function answers(...asked: Parameters<typeof probe>): Promise<boolean> {
  return (await probe(...asked)).outcome === "ready";
}

Deno.test("tcp is ready when it accepts, and the connection is closed at once", async () => {
  await using application = new Acceptor(untilClosed);
  assertEquals(await answers(tcpAddress(application.port), forEver()), true);
});

for (const hostname of ["127.0.0.1", "localhost"]) {
  Deno.test(`tcp is absent when nobody listens on ${hostname}`, async () => {
    const { outcome } = await probe(tcpAddress(deadPort(), hostname), forEver());
    assertEquals(outcome, "absent");
  });
}

Deno.test("tcp to a name that is not known is unready, with the reason", async () => {
  const answer = await probe(tcpAddress(80, "no-such-host.invalid"), forEver());
  assertEquals(answer.outcome, "unready");
});

for (const status of [200, 204, 302, 399]) {
  Deno.test(`http is ready with status ${status}`, async () => {
    const headers = { location: "http://127.0.0.1:1/" };
    const reply = () => new Response(null, { status, headers });
    assertEquals(await answerTo(reply), { outcome: "ready" });
  });
}

for (const status of [400, 404, 500, 503]) {
  Deno.test(`http is unready with status ${status}`, async () => {
    const answer = await answerTo(() => new Response("no", { status }));
    assertEquals(answer, { outcome: "unready", reason: `status ${status}` });
  });
}

Deno.test("http is asked by a GET of the path, with its query", async () => {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ method, url }) => {
      asked.push(`${method} ${new URL(url).pathname}${new URL(url).search}`);
      return new Response();
    },
  );
  await answers(httpAddress(server.addr.port, "/healthz?deep=1"), forEver());
  await server.shutdown();
  assertEquals(asked, ["GET /healthz?deep=1"]);
});

Deno.test("http is absent when nobody listens", async () => {
  const { outcome } = await probe(httpAddress(deadPort()), forEver());
  assertEquals(outcome, "absent");
});

Deno.test("http is absent when the connection is accepted and closed at once", async () => {
  await using application = new Acceptor(() => Promise.resolve());
  const { outcome } = await probe(httpAddress(application.port), forEver());
  assertEquals(outcome, "absent");
  assertEquals(await answers(tcpAddress(application.port), forEver()), true);
});

Deno.test("http is unready when what answers is no HTTP, and no socket stays open", async () => {
  await using application = new Acceptor(async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    await untilClosed(connection);
  });
  assertEquals(await answers(httpAddress(application.port), forEver()), false);
});

Deno.test("http that never answers is unready when the time is up, and is hung up on", async () => {
  const asked = Promise.withResolvers<void>();
  await using application = new Acceptor((connection) => {
    asked.resolve();
    return untilClosed(connection);
  });
  const time = new AbortController();
  const answer = probe(httpAddress(application.port), time.signal);
  await asked.promise;
  time.abort(new DOMException("the time is up", "TimeoutError"));
  assertEquals(await answer, { outcome: "unready", reason: "no answer in time" });
});

Deno.test("http is ready by its status, when the rest of the reply never ends", async () => {
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
    });
  assertEquals(await answerTo(() => new Response(endless())), { outcome: "ready" });
});

Deno.test("http is ready by its status, when the rest comes not in time", async () => {
  await using application = new Acceptor(async (connection) => {
    await connection.read(new Uint8Array(1_024));
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    await connection.write(new TextEncoder().encode(head));
    await untilClosed(connection);
  });
  // Nobody but the client knows when it has read the head: this is ample time for it.
  const signal = systemClock.within(2_000);
  assertEquals(await probe(httpAddress(application.port), signal), { outcome: "ready" });
});

Deno.test("a question whose time is up before it begins opens no connection", async () => {
  const signal = AbortSignal.abort();
  await using application = new Acceptor(() => Promise.reject(new Error("asked all the same")));
  assertEquals(await answers(tcpAddress(application.port), signal), false);
  assertEquals(await answers(httpAddress(application.port), signal), false);
});

const certificate = await selfSigned();

Deno.test({
  name: "https is ready whoever signed its certificate, and whatever its name",
  ignore: certificate === undefined,
  fn: async () => {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...certificate };
    const server = Deno.serve(options, () => new Response("fine"));
    assertEquals(await answers(httpAddress(server.addr.port, "/", "https"), forEver()), true);
    // To a server of TLS, plain HTTP is no question.
    assertEquals(await answers(httpAddress(server.addr.port, "/", "http"), forEver()), false);
    await server.shutdown();
  },
});
