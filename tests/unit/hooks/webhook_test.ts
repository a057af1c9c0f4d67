/** Webhooks, at their socket: real servers on loopback. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HookSettings } from "../../../lib/hooks/hook.ts";
import { type Clock, systemClock } from "../../../lib/host/clock.ts";
import { VERSION } from "../../../lib/version.ts";
import { type HookLog, lastOf, startHook } from "./_hooks.ts";

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

type Reply = (request: Request) => Response | Promise<Response>;

/** A receiver of webhooks that answers by a list of replies; the last one goes on for ever. */
class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #replies: readonly Reply[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...replies: readonly Reply[]) {
    this.#replies = replies;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = await request.text();
    this.received.push({ method, headers, path: pathname + search, body });
    const reply = this.#replies[Math.min(this.received.length, this.#replies.length) - 1];
    return reply?.(request) ?? new Response("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Starts a hook whose back-off takes no time, and tells how long each was to take. */
function start(actions: Omit<HookSettings, "timeout">, random = 0.5) {
  const delays: number[] = [];
  const clock: Clock = {
    ...systemClock,
    random: () => random,
    within: (span, ...signals) => {
      delays.push(span);
      return systemClock.within(0, ...signals);
    },
  };
  return { ...startHook(actions, { clock }), delays };
}

const status = (status: number, text?: string) => () => new Response(text ?? null, { status });

/** Waits for the log to tell of an attempt that failed. */
async function tried(log: HookLog, attempt: number): Promise<void> {
  await log.has(({ message, fields }) =>
    message === "retrying webhook" && fields.attempt === attempt
  );
}

Deno.test("a webhook gets a POST of a JSON document that says event, target, groups and state", async () => {
  await using receiver = new Receiver(status(204));
  const { result, log } = start({ url: `${receiver.origin}/hook?a=1` });
  assertEquals(await result, { outcome: "succeeded" });
  const [got] = receiver.received;
  assert(got !== undefined);
  assertEquals([got.method, got.path], ["POST", "/hook?a=1"]);
  assertEquals(got.headers.get("content-type"), "application/json");
  assertEquals(got.headers.get("user-agent"), `k8s-nlb-registrator-sidecar/${VERSION}`);
  assertEquals(JSON.parse(got.body), {
    version: 1,
    event: "post-register",
    target: "10.0.0.7",
    targetGroups: ["arn:one", "arn:two"],
    state: "in-service",
  });
  const { message, fields } = lastOf(log);
  assertEquals([message, fields.status, fields.attempts], ["hook succeeded", 204, 1]);
});

Deno.test("a webhook that answers 5xx or 429 is retried until it succeeds", async () => {
  for (const first of [500, 503, 429]) {
    await using receiver = new Receiver(status(first), status(first), status(200));
    const { result, log } = start({ url: receiver.origin });
    assertEquals(await result, { outcome: "succeeded" });
    assertEquals([receiver.received.length, lastOf(log).fields.attempts], [3, 3]);
  }
});

Deno.test("back-off is random, begins with 200 ms at most, doubles, and never exceeds 5 s", async () => {
  const longest = [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000];
  for (const random of [0, 0.5, 1]) {
    await using receiver = new Receiver(status(503));
    const { result, log, expire, delays } = start({ url: receiver.origin }, random);
    await tried(log, longest.length);
    expire();
    await result;
    assertEquals(delays.slice(0, longest.length), longest.map((delay) => delay * random));
  }
});

Deno.test("any other status is final: a redirect is not followed", async () => {
  await using elsewhere = new Receiver(status(200));
  for (const final of [400, 401, 404, 301, 302, 307, 308]) {
    const headers = { location: elsewhere.origin };
    await using receiver = new Receiver(() => new Response("no luck", { status: final, headers }));
    const { result, log } = start({ url: receiver.origin });
    const end = await result;
    assert(end.outcome === "failed");
    assertMatch(end.reason, new RegExp(`^the webhook answered with status ${final}`));
    assertEquals(end.reason.includes("redirects are not followed"), final < 400);
    assertEquals([receiver.received.length, elsewhere.received.length], [1, 0]);
    assertEquals(lastOf(log).fields.output, "no luck");
  }
});

Deno.test("a connection that is closed without an answer, or refused, is retried", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { result, log } = start({ url: `http://127.0.0.1:${port}/` });
  (await listener.accept()).close();
  listener.close();
  await tried(log, 2);
  const options = { hostname: "127.0.0.1", port, onListen: () => {} };
  const server = Deno.serve(options, () => new Response());
  assertEquals(await result, { outcome: "succeeded" });
  await server.shutdown();
});

Deno.test("a stop cuts a webhook short that does not answer, and leaves no connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { result, stop } = start({ url: `http://127.0.0.1:${listener.addr.port}/` });
  using connection = await listener.accept();
  listener.close();
  const rest = new Response(connection.readable).text();
  stop();
  assertEquals(await result, { outcome: "cut-short" });
  // It ends, and so does the test, only when the other side has closed.
  await rest.catch(() => {});
});

Deno.test("a webhook that times out says what its last whole attempt got", async () => {
  const asked = Promise.withResolvers<void>();
  const hang = Promise.withResolvers<Response>();
  await using receiver = new Receiver(status(503, "later"), () => {
    asked.resolve();
    return hang.promise;
  });
  const { result, log, expire } = start({ url: receiver.origin });
  await asked.promise;
  expire();
  assertEquals(await result, { outcome: "timed-out" });
  hang.resolve(new Response(""));
  const { level, fields } = lastOf(log);
  assertEquals([level, fields.status, fields.output, fields.attempts], ["warn", 503, "later", 2]);
  assertEquals(fields.error, "the webhook answered with status 503");
});

Deno.test("of a long reply, a little is shown", async () => {
  // tests/e2e/attack/replies_test.ts has endless and compressed ones.
  await using receiver = new Receiver(status(400, "a".repeat(10_000)));
  const failed = start({ url: receiver.origin });
  assertEquals((await failed.result).outcome, "failed");
  assertEquals(lastOf(failed.log).fields.output, "a".repeat(256));
});

Deno.test("of a webhook's URL, scheme, host and port are logged, and nothing that may be secret", async () => {
  const path = "/services/T0KEN/p%20s3cret?token=q%2Fs3cret&x=hunter22";
  const reflected = [path, decodeURIComponent(path), "user hunter2"].join(" ");
  await using receiver = new Receiver(status(403, reflected));
  const at = (origin: string) => origin.replace("://", "://user:hunter2@") + path;
  const refused = start({ url: at(receiver.origin) });
  const end = await refused.result;
  const [got] = receiver.received;
  assertEquals([got?.path, got?.headers.get("authorization")], [
    path,
    `Basic ${btoa("user:hunter2")}`,
  ]);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const nobody = start({ url: at(origin) });
  await tried(nobody.log, 1);
  nobody.stop();
  await nobody.result;
  const said = JSON.stringify([end, refused.log.entries, nobody.log.entries]);
  assertEquals(/hunter2|s3cret|user|T0KEN|services/.exec(said), null, said);
  assertEquals(refused.log.entries[0]?.fields.url, receiver.origin);
  assertMatch(said, /Connection refused/);
});

// Browsers and Deno block some ports, this one for X11; Deno 2.4 blocks none.
const blocksPorts = !Deno.version.deno.startsWith("2.4.");
Deno.test({
  name: "a URL that may not be called fails at once, with the reason",
  ignore: !blocksPorts,
  fn: async () => {
    const end = await start({ url: "http://127.0.0.1:6000/" }).result;
    assert(end.outcome === "failed");
    assertMatch(end.reason, /^it could not be called: .*6000/);
  },
});

Deno.test("an event with a command and a webhook runs both in order, unless the command fails", async () => {
  await using receiver = new Receiver(status(200));
  const { result, log } = start({ command: "echo first", url: receiver.origin });
  assertEquals(await result, { outcome: "succeeded" });
  assertEquals(
    log.entries.map(({ message, fields }) => `${message} ${fields.command ?? fields.url ?? ""}`),
    [
      "running hook echo first",
      "hook output ",
      "hook succeeded echo first",
      `running hook ${receiver.origin}`,
      `hook succeeded ${receiver.origin}`,
    ],
  );
  const failing = start({ command: "exit 3", url: receiver.origin });
  assertEquals(await failing.result, { outcome: "failed", reason: "exit code 3" });
  assertEquals(receiver.received.length, 1);
});
