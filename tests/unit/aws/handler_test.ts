import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  NoAnswer,
  ReplyCheckingHandler,
  UnexpectedReply,
  Unsendable,
} from "../../../lib/aws/handler.ts";
import { type Clock, systemClock } from "../../../lib/host/clock.ts";
import { test } from "../../test.ts";
import { answer, failure, result, type Script, ScriptedApi } from "./_api.ts";

type Request = Parameters<ReplyCheckingHandler["handle"]>[0];

/** A clock four times as fast as the real one: patience is half a second. */
const FAST: Clock = {
  ...systemClock,
  within: (time, ...signals) => systemClock.within(time / 4, ...signals),
};

/** An API and a handler that sends to it. */
class Bench implements AsyncDisposable {
  readonly warnings: string[] = [];
  readonly #handler = new ReplyCheckingHandler((message) => this.warnings.push(message), FAST);

  private constructor(readonly api: ScriptedApi) {}

  static async start(script: Script): Promise<Bench> {
    return new Bench(await ScriptedApi.start(script));
  }

  /** Sends one request. @returns Status and body of the reply. */
  async send(action: string, options: Sending = {}): Promise<[number, string]> {
    const { signal, port = this.api.port, headers = {}, body = "" } = options;
    if (signal && options.onSend) this.#handler.announce(signal, options.onSend);
    const request: Request = {
      ...{ method: "POST", protocol: "http:", hostname: "127.0.0.1", port, path: "/", query: {} },
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: action === "" ? body : `Action=${action}&Version=2015-12-01${body}`,
    };
    const { response } = await this.#handler.handle(request, {
      ...(signal ? { abortSignal: signal } : {}),
    });
    return [response.statusCode, new TextDecoder().decode(response.body)];
  }

  /** The connections by which the requests came, numbered in their order. */
  get connections(): readonly number[] {
    return this.api.received.map(({ connection }) => connection);
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
const REPLY = result("RegisterTargets");

/** What is wrong with a reply, its status, its body. */
const NOT_OF_THIS_API: readonly (readonly [string, number, string])[] = [
  ["a well-formed page", 200, "<html><body>Welcome</body></html>"],
  ["nothing", 200, ""],
  ["the reply of another call", 200, result("DescribeTags")],
  ["a reply whose name begins alike", 200, result("RegisterTargetsAndMore")],
  ["an error with the status of a success", 200, failure("Throttling")],
  ["a reply that ends in the middle", 200, REPLY.slice(0, -20)],
  ["a reply within a page", 200, `<html>${REPLY}</html>`],
  ["a reply with a document type", 200, `<!DOCTYPE a [<!ENTITY b "c">]>${REPLY}`],
  ["half a megabyte of root elements", 200, REPLY.repeat(500_000 / REPLY.length)],
  ["a megabyte of opening tags", 200, "<RegisterTargetsResponse>".repeat(39_000)],
  ["a page with an error's status", 503, "<html><body>Service Unavailable</body></html>"],
  ["a result with an error's status", 500, REPLY],
  ["a redirect", 307, REPLY],
];

test("handle() believes no reply that is not this API's, and follows none elsewhere", async () => {
  for (const [reply, status, body] of NOT_OF_THIS_API) {
    const headers = { location: "/elsewhere" };
    await using bench = await Bench.start((_, exchange) =>
      answer(exchange, body, { status, headers })
    );
    const started = performance.now();
    const error = await bench.send("RegisterTargets").then(() => undefined, (error) => error);
    assert(error instanceof UnexpectedReply, reply);
    assert(performance.now() - started < 1_000, `${reply} took too long`);
    const host = `127.0.0.1:${bench.api.port}`;
    assertEquals(error.message, `the reply from ${host} (HTTP ${status}) is not from this API`);
    assertEquals(bench.api.received.length, 1, reply);
  }
});

test("handle() reads a megabyte of a reply at most, and then closes the connection", async () => {
  const gone = Promise.withResolvers<void>();
  await using bench = await Bench.start(async (_, exchange) => {
    const reply = { status: 200, headers: {}, body: REPLY };
    if (!await exchange.flood(reply, 2 ** 30)) gone.resolve();
  });
  for (const action of ["RegisterTargets", "DescribeTargetHealth", ""]) {
    const error = await assertRejects(() => bench.send(action), UnexpectedReply);
    assertMatch(error.message, /\(HTTP 200, more than 1,000,000 bytes\) is not from this API$/);
  }
  await gone.promise;
});

test("handle() hands on the API's replies as they are, and what answers no call of it", async () => {
  const declared = `<?xml version="1.0"?>\n    ${REPLY}\r\n  `;
  const cases: readonly [string, number, string][] = [
    ["RegisterTargets", 200, REPLY],
    ["RegisterTargets", 200, "<RegisterTargetsResponse></RegisterTargetsResponse>"],
    ["RegisterTargets", 200, declared],
    ["RegisterTargets", 400, failure("TargetGroupNotFound")],
    ["", 200, "anything"],
  ];
  for (const [action, status, body] of cases) {
    await using bench = await Bench.start((_, exchange) => answer(exchange, body, { status }));
    assertEquals(await bench.send(action), [status, body]);
  }
});

test("handle() keeps one connection for all calls but RegisterTargets, which has its own", async () => {
  await using bench = await Bench.start(well);
  const actions = [
    ...["DescribeTargetGroups", "RegisterTargets", "DescribeTargetHealth", "DescribeTargetHealth"],
    ...["RegisterTargets", "DeregisterTargets"],
  ];
  for (const action of actions) await bench.send(action);
  assertEquals(bench.connections, [1, 2, 1, 1, 3, 1]);
});

test("RegisterTargets is sent once though its connection is reset; other calls are sent again", async () => {
  let resets = 0;
  await using bench = await Bench.start((received, exchange) => {
    if (received.action === "DescribeTargetGroups" || resets > 1) return well(received, exchange);
    resets++;
    return exchange.reset();
  });
  await bench.send("DescribeTargetGroups");
  await assertRejects(() => bench.send("RegisterTargets"), NoAnswer);
  assertEquals((await bench.send("DeregisterTargets"))[0], 200);
  assertEquals(bench.api.actions.slice(1), [
    ...["RegisterTargets", "DeregisterTargets", "DeregisterTargets"],
  ]);
});

test("handle() does not notice that the server closes an idle connection", async () => {
  await using bench = await Bench.start(well);
  for (let round = 0; round < 20; round++) {
    await bench.send("DescribeTargetHealth");
    bench.api.closeIdleConnections();
    assertEquals((await bench.send("DeregisterTargets"))[0], 200);
  }
  assertEquals(bench.api.received.length, 40);
});

test("handle() races a silent kept connection by a new one, which later requests use", async () => {
  await using bench = await Bench.start(well);
  await bench.send("DescribeTargetHealth");
  bench.api.silenceConnections();
  const started = performance.now();
  const sending = bench.send("DeregisterTargets", { signal: AbortSignal.timeout(10_000) });
  assertEquals((await sending)[0], 200);
  assert(performance.now() - started < 4_000, "it took too long");
  await bench.send("DescribeTargetHealth");
  assertEquals(bench.connections, [1, 2, 2]);
  const host = `127.0.0.1:${bench.api.port}`;
  assertEquals(bench.warnings, [
    `DeregisterTargets: no answer from ${host} in 2s on a kept connection: trying a new one`,
  ]);
}, { sanitize: false });

test("the first answer closes the other connection of a race at once", async () => {
  for (const answered of ["first", "second"] as const) {
    const gone = Promise.withResolvers<string>();
    let requests = 0;
    const late = Promise.withResolvers<void>();
    await using bench = await Bench.start(async (received, exchange) => {
      if (received.action !== "DeregisterTargets") {
        await well(received, exchange);
        return;
      }
      const name = ++requests === 1 ? "first" : "second";
      exchange.gone.addEventListener("abort", () => gone.resolve(name));
      if (name === "second") late.resolve();
      if (name !== answered) return;
      await late.promise;
      await well(received, exchange);
    });
    await bench.send("DescribeTargetHealth");
    const signal = AbortSignal.timeout(10_000);
    assertEquals((await bench.send("DeregisterTargets", { signal }))[0], 200);
    const started = performance.now();
    assertEquals(await gone.promise, answered === "first" ? "second" : "first");
    assert(performance.now() - started < 1_000, "the other request lived on");
  }
}, { sanitize: false });

test(
  "a slow API gets a request twice at most, and less and less often; RegisterTargets never",
  async () => {
    let slow = false;
    await using bench = await Bench.start(async (received, exchange) => {
      if (slow) await new Promise((resolve) => setTimeout(resolve, 650));
      await well(received, exchange);
    });
    for (const action of ["DescribeTargetHealth", "RegisterTargets"]) await bench.send(action);
    slow = true;
    for (const action of ["DeregisterTargets", "RegisterTargets", "DeregisterTargets"]) {
      await bench.send(action);
    }
    assertEquals(
      bench.api.actions.slice(2).join(),
      [
        ...["DeregisterTargets", "DeregisterTargets", "RegisterTargets", "DeregisterTargets"],
      ].join(),
    );
  },
  { sanitize: false },
);

test("handle() announces each request once, before the server gets it, and none that is not sent", async () => {
  const order: string[] = [];
  await using bench = await Bench.start((received, exchange) => {
    order.push(received.action);
    return well(received, exchange);
  });
  const announced = (name: string, signal = new AbortController().signal): Sending => ({
    signal,
    onSend: () => order.push(name),
  });
  await bench.send("DescribeTargetGroups", announced("one"));
  await bench.send("RegisterTargets", announced("other"));
  const late = announced("late", AbortSignal.abort());
  await assertRejects(() => bench.send("RegisterTargets", late), NoAnswer);
  for (const token of ["secret\nrest", "secret\u0000", "secret\u20ac"]) {
    const headers = { "x-amz-security-token": token };
    const sending = bench.send("RegisterTargets", { ...announced("odd"), headers });
    const error = await assertRejects(() => sending, Unsendable);
    assertEquals([error.message.includes("secret"), error.cause], [false, undefined]);
  }
  await bench.send("DescribeTargetHealth");
  assertEquals(order, [
    ...["one", "DescribeTargetGroups", "other", "RegisterTargets", "DescribeTargetHealth"],
  ]);
});

test("a signal that ends takes back a request, and cuts short the reading of its reply", async () => {
  const stop = new AbortController();
  const gone = Promise.withResolvers<void>();
  await using bench = await Bench.start((_, exchange) => {
    exchange.gone.addEventListener("abort", () => gone.resolve());
    stop.abort(new Error("stop"));
  });
  await assertRejects(() => bench.send("DeregisterTargets", { signal: stop.signal }), NoAnswer);
  await gone.promise;

  const later = new AbortController();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("<RegisterTargets")),
      pull: () => later.abort(new Error("stop")),
    }, { highWaterMark: 1 });
    return new Response(body);
  });
  const sending = bench.send("RegisterTargets", { signal: later.signal, port: server.addr.port });
  await assertRejects(() => sending, NoAnswer);
});

test("handle() removes what an error quotes of the request's secrets", async () => {
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
