/** One check of an application, at its socket. */
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

Deno.test("a check is refused where nothing listens", async () => {
  const port = deadPort();
  for (const address of [tcpAddress(port), tcpAddress(port, "localhost"), httpAddress(port)]) {
    assertEquals((await probe(address, forEver())).outcome, "refused");
  }
});

Deno.test("tcp to a name that is not known is unready, with the reason", async () => {
  const answer = await probe(tcpAddress(80, "no-such-host.invalid"), forEver());
  assertEquals(answer.outcome, "unready");
});

Deno.test("http is ready with a status from 200 to 399, and follows no redirect", async () => {
  const headers = { location: "http://127.0.0.1:1/" };
  for (const status of [200, 204, 302, 399]) {
    const reply = () => new Response(null, { status, headers });
    assertEquals(await answerTo(reply), { outcome: "ready" });
  }
  for (const status of [400, 404, 500, 503]) {
    const answer = await answerTo(() => new Response("no", { status }));
    assertEquals(answer, { outcome: "unready", reason: `status ${status}` });
  }
});

Deno.test("http is checked by a GET of the path, with its query", async () => {
  const requests: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ method, url }) => {
      requests.push(`${method} ${new URL(url).pathname}${new URL(url).search}`);
      return new Response();
    },
  );
  await answers(httpAddress(server.addr.port, "/healthz?deep=1"), forEver());
  await server.shutdown();
  assertEquals(requests, ["GET /healthz?deep=1"]);
});

/** What answers without HTTP: nothing of it is a refusal, and no socket stays open. */
const ODD: Readonly<Record<string, (connection: Deno.TcpConn) => Promise<void>>> = {
  "closes the connection at once": () => Promise.resolve(),
  "speaks another protocol": async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    await untilClosed(connection);
  },
};

for (const [what, serve] of Object.entries(ODD)) {
  Deno.test(`http is unready when the application ${what}`, async () => {
    await using application = new Acceptor(serve);
    const { outcome } = await probe(httpAddress(application.port), forEver());
    assertEquals(outcome, "unready");
    assertEquals(await answers(tcpAddress(application.port), forEver()), true);
  });
}

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

Deno.test("a check whose time is up before it begins opens no connection", async () => {
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
    // To a server of TLS, plain HTTP is no request.
    assertEquals(await answers(httpAddress(server.addr.port, "/", "http"), forEver()), false);
    await server.shutdown();
  },
});
