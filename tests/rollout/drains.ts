/**
 * Drains in real time, each of a pod with a network of its own: the sidecar and the application are
 * processes in a network namespace, as they are in a pod, so that the kernel's tables and counters
 * show what they show there. The load balancer sends for so long, so many connections a second.
 *
 * It takes root, and `ip`.
 */
import { pause } from "../emulator/pause.ts";
import { startEmulator } from "../emulator/server.ts";
import { linesOf } from "../../tools/lines.ts";
import { type Command, imagesOf, type Sidecar } from "./programs.ts";
import { Users } from "./users.ts";

/** One drain. */
export interface DrainCase {
  /** How long new connections come after DeregisterTargets, in seconds. */
  readonly sends: number;
  /** How many come each second to the target. */
  readonly rate: number;
  /** How many last for 20 s each, one after the other. */
  readonly lasting: number;
}

/** What came of it; in seconds since DeregisterTargets. */
export interface DrainOutcome extends DrainCase {
  readonly failed: number;
  readonly begun: number;
  readonly lastConnection: number;
  readonly drained: number;
}

/** How many connections come each second. */
export const RATES: readonly number[] = [0.2, 5, 60];
/** What AWS was measured to do, and more. */
const DRAIN_CASES: readonly DrainCase[] = [140, 180, 300].flatMap((sends) =>
  RATES.map((rate) => ({ sends, rate, lasting: rate < 1 ? 0 : 2 }))
);

const NAME = "edge";
const PORTS = { application: 8443, sidecar: 8081 };
/** Users come for so long before the drain, in milliseconds. */
const BEFORE = 20_000;
/** Where one connection a second comes, a drain ends so long after the last one, in seconds. */
const LATE = 45;

const never = new AbortController().signal;

/** Those of one rate, or of all, side by side. */
export async function drains(sidecar: Sidecar, rate?: number): Promise<DrainOutcome[]> {
  const cases = DRAIN_CASES.filter((one) => rate === undefined || one.rate === rate);
  return await Promise.all(
    cases.map((one) => drain(one, sidecar.command, DRAIN_CASES.indexOf(one) + 1)),
  );
}

/** Whether nothing was lost, and none took too long. */
export function holds({ failed, rate, lastConnection, drained }: DrainOutcome): boolean {
  return failed === 0 && (rate < 1 || drained <= lastConnection + LATE);
}

async function drain(
  { sends, rate, lasting }: DrainCase,
  sidecar: Command,
  at: number,
): Promise<DrainOutcome> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(
    await startEmulator({
      groups: [{
        ...{ name: NAME, port: PORTS.application, listener: true, health: { check: "tcp" } },
        ...{ healthCheckIntervalSeconds: 10, checkPatience: 20_000, registering: 20_000 },
        ...{ healthyThresholdCount: 3, unhealthyThresholdCount: 3 },
        sendsAfterDeregistration: sends * 1_000,
      }],
    }),
  );
  const pod = stack.use(await Pod.create(at, Number(new URL(emulator.url).port)));
  const environment = { ...emulator.environment, AWS_ENDPOINT_URL: pod.api };
  const images = imagesOf(sidecar, { ...environment, POD_IP: pod.ip, HOST_IP: pod.node });
  const start = (image: string, args: readonly string[]) => {
    const program = images(image);
    if (program === undefined) throw new Error(`no program for ${image}`);
    return stack.use(pod.start([...program.entrypoint, ...args], program.env ?? {}));
  };
  const application = start(`${NAME}:example`, ["--host=0.0.0.0", `--port=${PORTS.application}`]);
  const container = start("k8s-nlb-registrator-sidecar:1", [
    ...[`-target-group-name=${NAME}`, `-listen=:${PORTS.sidecar}`, "-wait-idle"],
    ...[`-wait-for=tcp://localhost:${PORTS.application}`, "-grace-period=7m", "-log-format=json"],
  ]);
  // Another target of the group, that stays.
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  echo(other);
  emulator.registerByOther(NAME, { id: "127.0.0.1", port: other.addr.port });
  using _probes = kubeletProbes(pod.ip);
  await container.line(/serving until/);
  const users = stack.use(
    new Users({
      ...{ hostname: "127.0.0.1", port: emulator.groups[0]?.port ?? 0, patience: 20_000 },
      // Each of the two targets gets a half.
      ...{ shortPerSecond: 2 * rate, halfClosedPerSecond: 0, lasting, lastingTime: 20_000 },
    }),
  );
  await pause(BEFORE, never);
  let [deregistered, last] = [0, 0];
  emulator.listen((event) => {
    if (event.kind === "state-changed" && event.to.state === "draining") {
      deregistered = performance.now();
    }
    if (event.kind === "flow-opened" && event.flow.target?.id === pod.ip) last = performance.now();
  });
  const reply = await fetch(`http://${pod.ip}:${PORTS.sidecar}/drain`);
  const drained = (performance.now() - deregistered) / 1_000;
  if (reply.status !== 200) console.log(`${sends} s, ${rate}/s: ${await reply.text()}`);
  else await reply.body?.cancel();
  for (const one of [application, container]) one.kill();
  await pause(Math.max(0, sends + 5 - drained) * 1_000, never);
  const count = await users.stop();
  for (const { on, what, date } of users.failures) {
    const at = (date - performance.timeOrigin - deregistered) / 1_000;
    console.log(`sends for ${sends} s, ${rate}/s: ${on} ${what} at ${at.toFixed(1)} s`);
  }
  const lastConnection = (last - deregistered) / 1_000;
  return { sends, rate, lasting, ...count, lastConnection, drained };
}

/** What a kubelet's `tcpSocket` readiness probe does. */
function kubeletProbes(hostname: string): Disposable {
  const timer = setInterval(async () => {
    try {
      (await Deno.connect({ hostname, port: PORTS.application })).close();
    } catch {
      // The application has ended.
    }
  }, 10_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Answers with what is sent. */
async function echo(listener: Deno.TcpListener): Promise<void> {
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

interface Process extends AsyncDisposable {
  line(pattern: RegExp): Promise<void>;
  kill(): void;
}

/** A network namespace with one address, and a way to the emulator's API. */
class Pod implements AsyncDisposable {
  readonly #space: string;
  readonly #relay: Deno.TcpListener;

  private constructor(space: string, readonly ip: string, readonly node: string, to: number) {
    this.#space = space;
    this.#relay = Deno.listen({ hostname: node, port: 0 });
    relay(this.#relay, to);
  }

  static async create(at: number, api: number): Promise<Pod> {
    const [space, [node, ip]] = [
      `drain-${Deno.pid}-${at}`,
      [1, 2].map((end) => `10.99.${at}.${end}`),
    ];
    if (node === undefined || ip === undefined) throw new Error("no address");
    const [here, there] = [`dr${at}a`, `dr${at}b`];
    await run(["ip", "netns", "add", space]);
    await run(["ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", space]);
    await run(["ip", "addr", "add", `${node}/30`, "dev", here]);
    await run(["ip", "link", "set", here, "up"]);
    await run(["ip", "-n", space, "addr", "add", `${ip}/30`, "dev", there]);
    await run(["ip", "-n", space, "link", "set", there, "up"]);
    await run(["ip", "-n", space, "link", "set", "lo", "up"]);
    return new Pod(space, ip, node, api);
  }

  get api(): string {
    return `http://${this.node}:${this.#relay.addr.port}`;
  }

  start(command: readonly string[], env: Readonly<Record<string, string>>): Process {
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", this.#space, ...command],
      ...{ env: { ...env }, clearEnv: true, stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
    const lines: string[] = [];
    let news = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const line of linesOf(child.stderr)) {
        lines.push(line);
        news.resolve();
        news = Promise.withResolvers();
      }
    })();
    const kill = () => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended.
      }
    };
    return {
      line: async (pattern) => {
        while (!lines.some((line) => pattern.test(line))) {
          await Promise.race([
            news.promise,
            child.status.then(() => {
              throw new Error(`it ended:\n${lines.join("\n")}`);
            }),
          ]);
        }
      },
      kill,
      [Symbol.asyncDispose]: async () => {
        kill();
        await child.status;
        await reading;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.close();
    await run(["ip", "netns", "del", this.#space]);
  }
}

async function relay(listener: Deno.TcpListener, port: number): Promise<void> {
  for await (const client of listener) {
    const server = await Deno.connect({ port });
    client.readable.pipeTo(server.writable).catch(() => {});
    server.readable.pipeTo(client.writable).catch(() => {});
  }
}

async function run([program = "", ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}
