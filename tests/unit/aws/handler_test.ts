import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  NoAnswer,
  ReplyCheckingHandler,
  UnexpectedReply,
  Unsendable,
} from "../../../lib/aws/handler.ts";
import { answer, failure, result, type Script, ScriptedApi } from "./_api.ts";

type Request = Parameters<ReplyCheckingHandler["handle"]>[0];

/** An API and a handler that sends to it. */
class Bench implements AsyncDisposable {
  readonly #handler = new ReplyCheckingHandler();

  private constructor(readonly api: ScriptedApi) {}

  static async start(script: Script): Promise<Bench> {
    return new Bench(await ScriptedApi.start(script));
  }

  /** Sends one request. @returns Status and body of the reply. */
  async send(action: string, options: Sending = {}): Promise<[number, string]> {
    const { signal, port = this.api.port, headers = {}, body = "" } = options;
    if (signal && options.onSend) this.#handler.announce(signal, options.onSend);
    const request: Request = {
      method: "POST",
      protocol: "http:",
      hostname: "127.0.0.1",
      port,
      path: "/",
      query: {},
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: action === "" ? body : `Action=${action}&Version=2015-12-01${body}`,
    };
    const { response } = await this.#handler.handle(request, {
      ...(signal ? { abortSignal: signal } : {}),
    });
    return [response.statusCode, new TextDecoder().decode(response.body)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handler.destroy();
    await this.api[Symbol.asyncDispose]();
  }
}

interface Sending {
  readonly signal?: AbortSignal;
  readonly onSend?: () => void;
  readonly port?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const well: Script = ({ action }, exchange) => answer(exchange, result(action));

const NOT_OF_THIS_API: readonly (readonly [string, number, string])[] = [
  ["a well-formed page", 200, "<html><body>Welcome</body></html>"],
  ["nothing", 200, ""],
  ["the reply of another call", 200, result("DescribeTags")],
  ["a reply whose name begins alike", 200, result("RegisterTargetsAndMore")],
  ["an error with the status of a success", 200, failure("Throttling")],
  ["a reply that ends in the middle", 200, result("RegisterTargets").slice(0, -20)],
  ["a reply that is within a page", 200, `<html>${result("RegisterTargets")}</html>`],
  ["a page with an error's status", 503, "<html><body>Service Unavailable</body></html>"],
  ["a result with an error's status", 500, result("RegisterTargets")],
];

for (const [what, status, body] of NOT_OF_THIS_API) {
  Deno.test(`a reply that is ${what}, with status ${status}, is not believed`, async () => {
    await using bench = await Bench.start((_, exchange) => answer(exchange, body, { status }));
    const error = await assertRejects(() => bench.send("RegisterTargets"), UnexpectedReply);
    assertEquals(error.status, status);
    assertEquals(
      error.message,
      `the reply of 127.0.0.1:${bench.api.port} (HTTP ${status}) is not one of this API`,
    );
  });
}

const OF_THIS_API: readonly (readonly [string, number, string])[] = [
  ["bare", 200, result("RegisterTargets")],
  ["without attributes", 200, "<RegisterTargetsResponse></RegisterTargetsResponse>"],
  [
    "with an XML declaration and space around",
    200,
    `<?xml version="1.0"?>
    ${result("RegisterTargets")}\r\n  `,
  ],
  ["an error", 400, failure("TargetGroupNotFound")],
];

for (const [what, status, body] of OF_THIS_API) {
  Deno.test(`a reply of the API, ${what}, is handed on as it is`, async () => {
    await using bench = await Bench.start((_, exchange) => answer(exchange, body, { status }));
    assertEquals(await bench.send("RegisterTargets"), [status, body]);
  });
}

Deno.test("a request without an action, like one to another service, is not looked into", async () => {
  await using bench = await Bench.start((_, exchange) => answer(exchange, "anything"));
  assertEquals(await bench.send("", { body: "{}" }), [200, "anything"]);
});

Deno.test("a reply that is cut off is no answer, to a request that was received", async () => {
  await using bench = await Bench.start(({ action }, exchange) =>
    exchange.cut({ status: 200, headers: {}, body: result(action) })
  );
  const error = await assertRejects(() => bench.send("RegisterTargets"), NoAnswer);
  assertEquals(error.reachedServer, true);
});

Deno.test("a reset is no answer, to a request that may have been received", async () => {
  await using bench = await Bench.start((_, exchange) => exchange.reset());
  const error = await assertRejects(() => bench.send("RegisterTargets"), NoAnswer);
  assertEquals(error.reachedServer, true);
  assert(error.message.startsWith(`no answer from 127.0.0.1:${bench.api.port}: `));
  assert(!error.message.includes("http://"), error.message);
});

Deno.test("a refused connection is no answer, to a request that was never received", async () => {
  await using bench = await Bench.start(well);
  const { port } = closedPort();
  const error = await assertRejects(() => bench.send("RegisterTargets", { port }), NoAnswer);
  assertEquals(error.reachedServer, false);
  assertEquals(
    error.message,
    `no answer from 127.0.0.1:${port}: tcp connect error: Connection refused (os error 111)`,
  );
});

function closedPort(): Deno.NetAddr {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr;
}

Deno.test("one connection is kept for all calls but RegisterTargets, which has its own", async () => {
  await using bench = await Bench.start(well);
  const actions = [
    "DescribeTargetGroups",
    "RegisterTargets",
    "DescribeTargetHealth",
    "DescribeTargetHealth",
    "RegisterTargets",
    "DeregisterTargets",
  ];
  for (const action of actions) await bench.send(action);
  assertEquals(bench.api.received.map(({ connection }) => connection), [1, 2, 1, 1, 3, 1]);
});

Deno.test("RegisterTargets is sent once, though the connection is reset without an answer", async () => {
  let resets = 0;
  await using bench = await Bench.start((received, exchange) => {
    if (received.action !== "RegisterTargets") return well(received, exchange);
    resets++;
    return exchange.reset();
  });
  await bench.send("DescribeTargetGroups");
  await assertRejects(() => bench.send("RegisterTargets"), NoAnswer);
  // Whatever was sent again would be there before this one.
  await bench.send("DescribeTargetHealth");
  assertEquals(resets, 1);
});

Deno.test("other calls are sent again where a kept connection is reset, and nobody notices", async () => {
  let resets = 0;
  await using bench = await Bench.start((received, exchange) => {
    if (received.action !== "DeregisterTargets" || resets > 0) return well(received, exchange);
    resets++;
    return exchange.reset();
  });
  await bench.send("DescribeTargetGroups");
  assertEquals((await bench.send("DeregisterTargets"))[0], 200);
  assertEquals(bench.api.actions, [
    "DescribeTargetGroups",
    "DeregisterTargets",
    "DeregisterTargets",
  ]);
});

Deno.test("a connection that the server closes while it is idle is not noticed", async () => {
  await using bench = await Bench.start(well);
  for (let round = 0; round < 20; round++) {
    await bench.send("DescribeTargetHealth");
    bench.api.closeIdleConnections();
    assertEquals((await bench.send("DeregisterTargets"))[0], 200);
  }
  assertEquals(bench.api.received.length, 40);
});

Deno.test("the announcement comes once for each request, before the server hears of it", async () => {
  const order: string[] = [];
  await using bench = await Bench.start((received, exchange) => {
    order.push(received.action);
    return well(received, exchange);
  });
  const one = new AbortController().signal;
  const other = new AbortController().signal;
  await bench.send("DescribeTargetGroups", { signal: one, onSend: () => order.push("one") });
  await bench.send("RegisterTargets", { signal: other, onSend: () => order.push("other") });
  await bench.send("DescribeTargetHealth");
  assertEquals(order, [
    "one",
    "DescribeTargetGroups",
    "other",
    "RegisterTargets",
    "DescribeTargetHealth",
  ]);
});

Deno.test("nothing is announced or sent once the signal has ended", async () => {
  let announced = 0;
  await using bench = await Bench.start(well);
  const signal = AbortSignal.abort();
  const sending = bench.send("RegisterTargets", { signal, onSend: () => announced++ });
  await assertRejects(() => sending, NoAnswer);
  await bench.send("DescribeTargetHealth");
  assertEquals([announced, bench.api.actions], [0, ["DescribeTargetHealth"]]);
});

Deno.test("a signal that ends takes back a request on its way, and its connection", async () => {
  const stop = new AbortController();
  const gone = Promise.withResolvers<void>();
  await using bench = await Bench.start((_, exchange) => {
    exchange.gone.addEventListener("abort", () => gone.resolve());
    stop.abort(new Error("stop"));
  });
  await assertRejects(() => bench.send("DeregisterTargets", { signal: stop.signal }), NoAnswer);
  await gone.promise;
});

Deno.test("a signal that ends cuts short the reading of a reply that does not end", async () => {
  const stop = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("<RegisterTargets")),
      pull: () => stop.abort(new Error("stop")),
    }, { highWaterMark: 1 });
    return new Response(body);
  });
  await using bench = await Bench.start(well);
  const { port } = server.addr;
  const sending = bench.send("RegisterTargets", { signal: stop.signal, port });
  await assertRejects(() => sending, NoAnswer);
  await server.shutdown();
});

Deno.test("a header that HTTP cannot say is a fault of its own, unsent and unquoted", async () => {
  let announced = 0;
  await using bench = await Bench.start(well);
  for (const token of ["secret\nrest", "secret\u0000", "secret\u20ac"]) {
    const error = await assertRejects(() =>
      bench.send("RegisterTargets", {
        headers: { "x-amz-security-token": token },
        signal: new AbortController().signal,
        onSend: () => announced++,
      }), Unsendable);
    assertEquals([error.message.includes("secret"), error.cause], [false, undefined]);
  }
  assertEquals([announced, bench.api.actions], [0, []]);
});

Deno.test("an error that quotes secrets of the request is handed on without them", async () => {
  await using bench = await Bench.start((_, exchange) => {
    const { headers, body } = exchange.request;
    const quoted = `${headers["authorization"]} ${headers["x-amz-security-token"]} ${body} a.b/c=`;
    return answer(exchange, failure("Refused", quoted.replaceAll("&", "&amp;")), { status: 403 });
  });
  const [status, body] = await bench.send("AssumeRoleWithWebIdentity", {
    headers: {
      "authorization": "AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=0abc",
      "x-amz-security-token": "session/token+=",
    },
    body: "&WebIdentityToken=a.b%2Fc%3D",
  });
  assertEquals(status, 403);
  for (const secret of ["0abc", "session/token", "a.b/c", "a.b%2Fc"]) {
    assert(!body.includes(secret), `${secret} is in ${body}`);
  }
  assert(body.includes("Credential=AKIA/x"), body);
});
