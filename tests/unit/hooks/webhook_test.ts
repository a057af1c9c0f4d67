/** Webhooks, at their socket: real servers on loopback. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHooks } from "../../../lib/hooks/runner.ts";
import type { HookOutcome, HookSettings } from "../../../lib/hooks/hook.ts";
import { type Clock, systemClock } from "../../../lib/host/clock.ts";
import { VERSION } from "../../../lib/version.ts";
import { contextOf, lastOf, NO_HOOKS, RecordedLog } from "./_hooks.ts";

/** Nobody waits for this; tests end a hook's time by `expire`. */
const TIMEOUT = 60_000;

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A receiver of webhooks that answers by a list of replies; the last one goes on for ever. */
class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #replies: ((request: Request) => Response | Promise<Response>)[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...replies: ((request: Request) => Response | Promise<Response>)[]) {
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

interface Started {
  readonly log: RecordedLog;
  readonly result: Promise<HookOutcome>;
  readonly stop: AbortController;
  readonly time: AbortController;
}

/** Starts a hook whose back-off is short, and whose time ends when the test says so. */
function start(settings: Omit<HookSettings, "timeout">): Started {
  const log = new RecordedLog();
  const [stop, time] = [new AbortController(), new AbortController()];
  const clock: Clock = {
    ...systemClock,
    random: () => 0.01,
    within: (span, ...signals) =>
      span === TIMEOUT
        ? AbortSignal.any([time.signal, ...signals])
        : systemClock.within(span, ...signals),
  };
  const all = { ...NO_HOOKS, "post-register": { ...settings, timeout: TIMEOUT } };
  const hooks = createHooks(all, { clock, log, shell: true });
  const context = { ...contextOf("post-register"), state: "in-service" } as const;
  return { log, stop, time, result: hooks.run(context, stop.signal) };
}

const status = (status: number, text?: string) => () => new Response(text ?? null, { status });

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

for (const first of [500, 503, 429]) {
  Deno.test(`a webhook that answers ${first} is tried again until it succeeds`, async () => {
    await using receiver = new Receiver(status(first), status(first), status(200));
    const { result, log } = start({ url: receiver.origin });
    assertEquals(await result, { outcome: "succeeded" });
    assertEquals(receiver.received.length, 3);
    assertEquals(lastOf(log).fields.attempts, 3);
  });
}

for (const final of [400, 401, 404, 302, 307]) {
  Deno.test(`a webhook that answers ${final} has failed at once, with status and reply`, async () => {
    const headers = { location: "/elsewhere" };
    await using receiver = new Receiver(() => new Response("no luck", { status: final, headers }));
    const { result, log } = start({ url: receiver.origin });
    const end = await result;
    assert(end.outcome === "failed");
    assertMatch(end.reason, new RegExp(`^the webhook answered with status ${final}`));
    assertEquals(end.reason.includes("redirects are not followed"), final < 400);
    assertEquals(receiver.received.length, 1);
    assertEquals(lastOf(log).fields.output, "no luck");
  });
}

Deno.test("a connection that is closed without an answer is tried again", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { result, log } = start({ url: `http://127.0.0.1:${port}/` });
  (await listener.accept()).close();
  listener.close();
  // Nobody listens now; then somebody does again.
  await tried(log, 2);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    () => new Response(),
  );
  assertEquals(await result, { outcome: "succeeded" });
  await server.shutdown();
});

/** Waits for the log to tell of an attempt that failed. */
async function tried(log: RecordedLog, attempt: number): Promise<void> {
  await log.has(({ message, fields }) =>
    message === "webhook will be tried again" && fields.attempt === attempt
  );
}

Deno.test("a stop cuts a webhook short that does not answer, and leaves no connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { result, stop } = start({ url: `http://127.0.0.1:${listener.addr.port}/` });
  using connection = await listener.accept();
  listener.close();
  const rest = new Response(connection.readable).text();
  stop.abort(new Error("stop"));
  assertEquals(await result, { outcome: "cut-short" });
  // It ends, and so does the test, only when the other side has closed.
  await rest.catch(() => {});
});

Deno.test("a webhook whose time is up says what its last whole attempt got", async () => {
  const asked = Promise.withResolvers<void>();
  const hang = Promise.withResolvers<Response>();
  await using receiver = new Receiver(status(503, "later"), () => {
    asked.resolve();
    return hang.promise;
  });
  const { result, log, time } = start({ url: receiver.origin });
  await asked.promise;
  time.abort(new DOMException("the time is up", "TimeoutError"));
  assertEquals(await result, { outcome: "timed-out", after: TIMEOUT });
  hang.resolve(new Response(""));
  const { level, fields } = lastOf(log);
  assertEquals([level, fields.status, fields.output, fields.attempts], ["warn", 503, "later", 2]);
  assertEquals(fields.error, "the webhook answered with status 503");
});

Deno.test("of a reply without an end, a little is read and shown", async () => {
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000).fill(0x61)),
    });
  await using receiver = new Receiver(
    () => new Response(endless(), { status: 400 }),
    () => new Response(endless()),
  );
  const failed = start({ url: receiver.origin });
  assertEquals((await failed.result).outcome, "failed");
  assertEquals(lastOf(failed.log).fields.output, "a".repeat(2_048));
  assertEquals(await start({ url: receiver.origin }).result, { outcome: "succeeded" });
});

Deno.test("credentials and query of a webhook's URL reach the receiver, but no log line", async () => {
  await using receiver = new Receiver(status(403));
  const at = (origin: string) => `${origin.replace("://", "://user:hunter2@")}/p?token=s3cret`;
  const refused = start({ url: at(receiver.origin) });
  const end = await refused.result;
  assertEquals(receiver.received[0]?.headers.get("authorization"), `Basic ${btoa("user:hunter2")}`);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const nobody = start({ url: at(origin) });
  await tried(nobody.log, 1);
  nobody.stop.abort(new Error("stop"));
  await nobody.result;
  const said = JSON.stringify([end, refused.log.entries, nobody.log.entries]);
  assertEquals(/hunter2|s3cret|user:/.exec(said), null);
  assertEquals(refused.log.entries[0]?.fields.url, `${receiver.origin}/p`);
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

Deno.test("an event with a command and a webhook runs the command, then the webhook", async () => {
  await using receiver = new Receiver(status(200));
  const { result, log } = start({ command: "echo first", url: receiver.origin });
  assertEquals(await result, { outcome: "succeeded" });
  assertEquals(
    log.entries.map(({ message, fields }) => `${message} ${fields.command ?? fields.url ?? ""}`),
    [
      "hook starts echo first",
      "hook output ",
      "hook succeeded echo first",
      `hook starts ${receiver.origin}/`,
      `hook succeeded ${receiver.origin}/`,
    ],
  );
});

Deno.test("a webhook is not called after a command that failed", async () => {
  await using receiver = new Receiver(status(200));
  const { result } = start({ command: "exit 3", url: receiver.origin });
  assertEquals(await result, { outcome: "failed", reason: "exit code 3" });
  assertEquals(receiver.received, []);
});
