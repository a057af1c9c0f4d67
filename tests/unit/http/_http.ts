/** A service at a real socket, in front of a life that a test makes up. */
import { type Clock, systemClock } from "../../../lib/host/clock.ts";
import type { Listener } from "../../../lib/http/acceptor.ts";
import { type HttpServer, serve, type ServerConfig } from "../../../lib/http/server.ts";
import { Stats } from "../../../lib/http/stats.ts";
import type { DrainOutcome } from "../../../lib/lifecycle/outcome.ts";
import type { GroupStatus, Status, View } from "../../../lib/lifecycle/status.ts";
import { KeptLog } from "../kept_log.ts";

export const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123";

export const GROUP: GroupStatus = {
  name: "kafka",
  arn: ARN,
  target_id: "10.0.0.1",
  port: 9092,
  membership: "registered",
  health: { state: "healthy", age_seconds: 12 },
};

export const HEALTHY: Status = {
  version: 1,
  phase: "serving",
  in_phase_seconds: 61.5,
  uptime_seconds: 93.25,
  stopping: false,
  drain_requested: false,
  ready: true,
  groups: [GROUP],
  application: [{ url: "tcp://127.0.0.1:9092", ready: true }],
};

/** A life that is as the test says. */
export class FakeView implements View {
  current: Status = HEALTHY;
  answers: () => Promise<boolean> = () => Promise.resolve(true);
  registered: ReturnType<View["register"]> = "not-drained";
  readonly drained = Promise.withResolvers<DrainOutcome>();
  drainCalls = 0;
  registerCalls = 0;
  #onDrainCalls: { readonly calls: number; readonly resolve: () => void }[] = [];

  status(): Status {
    return this.current;
  }

  applicationAnswers(): Promise<boolean> {
    return this.answers();
  }

  drain(): Promise<DrainOutcome> {
    this.drainCalls++;
    for (const { calls, resolve } of this.#onDrainCalls) if (this.drainCalls >= calls) resolve();
    return this.drained.promise;
  }

  register(): ReturnType<View["register"]> {
    this.registerCalls++;
    return this.registered;
  }

  /** Resolves when a drain was requested so many times. */
  drainRequested(calls = 1): Promise<void> {
    if (this.drainCalls >= calls) return Promise.resolve();
    return new Promise((resolve) => this.#onDrainCalls.push({ calls, resolve }));
  }
}

/** A clock ten times as fast as the real one. */
export const FAST: Clock = {
  now: () => 10 * systemClock.now(),
  within: (time, ...signals) => systemClock.within(time / 10, ...signals),
  random: systemClock.random,
};

/** The requests that tests write by hand; `lines` are more of its headers. */
export function request(line: string, ...lines: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", ...lines, "", ""].join("\r\n");
}

/** A running service and what is behind it. */
export class Scene implements AsyncDisposable {
  readonly view = new FakeView();
  readonly log = new KeptLog();
  readonly stats = new Stats();
  /** How often the service had a moment to tidy up. */
  idleMoments = 0;
  readonly #connections: Deno.Conn[] = [];
  #service: HttpServer | undefined;

  static async start(config: Partial<ServerConfig> = {}, clock = systemClock): Promise<Scene> {
    const scene = new Scene();
    const listen = { hostname: "127.0.0.1", port: 0 };
    const { log, stats, view } = scene;
    const usual = { listen, drainAllow: [], tokenRequired: false };
    const ports = { log, stats, view, clock, onIdle: () => scene.idleMoments++ };
    scene.#service = await serve({ ...usual, ...config }, ports);
    return scene;
  }

  get port(): number {
    return this.#service?.port ?? 0;
  }

  async get(path: string, init?: RequestInit): Promise<{ status: number; text: string }> {
    const response = await this.fetch(path, init);
    return { status: response.status, text: await response.text() };
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }

  /** A connection that sends this and no more. */
  async connect(text: string): Promise<Deno.Conn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    this.#connections.push(connection);
    await connection.write(new TextEncoder().encode(text));
    return connection;
  }

  /** All that comes back until the service closes. */
  async raw(text: string): Promise<string> {
    const connection = await this.connect(text);
    const reply = await untilClosed(connection);
    connection.close();
    return reply;
  }

  /** Stops the service. */
  async stop(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    await service?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.view.drained.resolve({ outcome: "drained" });
    await this.stop();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch { /* The test has closed it. */ }
    }
  }
}

/** Reads to the end; a reset is an end too. */
export async function untilClosed(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4_096);
  let text = "";
  for (;;) {
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) return text;
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
}

/** A listener that fails, so often, as when there are no file descriptors. */
export class FlakyListener implements Listener {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  failures = 0;

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  async accept(): Promise<Deno.TcpConn> {
    if (this.failures-- > 0) throw new Error("Too many open files (os error 24)");
    return await this.#listener.accept();
  }

  close(): void {
    this.#listener.close();
  }
}
