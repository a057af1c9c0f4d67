/**
 * Measures a Network Load Balancer from inside a pod that the sidecar registers: how long a target
 * waits for its first connection, how long new connections arrive after it is deregistered, and
 * which connections fail. It needs Deno and nothing else.
 *
 *   deno run -A measure.ts run --load-balancer HOST:PORT --port PORT > report.json
 *   deno run -A measure.ts picture < report.json > picture.svg
 *
 * `run` listens on --port, where the sidecar's -wait-for finds it, connects to the load balancer
 * as its users do, and calls the sidecar's /drain and /register. docs/measure.md explains the rest.
 */

/** How to measure. Times are in seconds. */
interface Options {
  /** `HOST:PORT` of the load balancer. */
  readonly loadBalancer: string;
  /** Where this program listens: the target's port. */
  readonly port: number;
  /** The target's address, where it is not every one of the pod's. */
  readonly hostname: string;
  /** The sidecar's endpoints. */
  readonly sidecar: string;
  readonly cycles: number;
  /** How long the target stays in service. */
  readonly steady: number;
  /** Without a connection for so long after deregistering, no more are expected. */
  readonly quiet: number;
  /** Connections in a second. */
  readonly rate: number;
  /** Before the first cycle: pods that take turns start one after the other. */
  readonly delay: number;
}

/** A connection that failed, and why. Times are in seconds since the cycle's start. */
interface Failure {
  readonly at: number;
  readonly what: string;
  /** Whether this pod's target was in service then. */
  readonly inService: boolean;
}

/** What one cycle showed. */
export interface Cycle {
  /** RegisterTargets was answered. */
  readonly registeredAt: number;
  /** From then to the first connection, and until the sidecar knew that the target is healthy. */
  readonly firstConnectionAfter: number;
  readonly readyAfter: number;
  /** DeregisterTargets was answered. */
  readonly deregisteredAt: number;
  /** From then to the last new connection, and until /drain answered. */
  readonly lastConnectionAfter: number;
  readonly drainedAfter: number;
  readonly drained: string;
  /** When connections reached this pod. */
  readonly arrivals: readonly number[];
  /** How many connections the users of this pod opened, wherever they led. */
  readonly opened: number;
  readonly failures: readonly Failure[];
}

/** All that `run` prints. */
export interface Report {
  readonly version: 1;
  readonly pod: string;
  readonly options: Options;
  readonly cycles: readonly Cycle[];
}

/** What users send, so that health checks and the sidecar's own checks do not count. */
const GREETING = "nlb-measure\n";
/** A connection that takes longer has failed. */
const PATIENCE = 5_000;
const POLL = 100;

const encoder = new TextEncoder();
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

/** Seconds since the program began. */
function now(): number {
  return performance.now() / 1_000;
}

/** Answers users, and notes when they came. */
class Server implements Disposable {
  readonly arrivals: number[] = [];
  readonly #listener: Deno.TcpListener;

  constructor({ hostname, port }: Options) {
    this.#listener = Deno.listen({ hostname, port });
    this.#accept().catch(() => {});
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#serve(client, now()).catch(() => {});
  }

  async #serve(client: Deno.TcpConn, at: number): Promise<void> {
    using _ = client;
    const buffer = new Uint8Array(64);
    const count = await client.read(buffer) ?? 0;
    if (new TextDecoder().decode(buffer.subarray(0, count)) !== GREETING) return;
    this.arrivals.push(at);
    await client.write(encoder.encode(GREETING));
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

/** Opens connections all the time, and notes those that fail. */
class Users implements Disposable {
  readonly failures: { readonly at: number; readonly what: string }[] = [];
  opened = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor({ loadBalancer, rate }: Options) {
    const [, hostname = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(loadBalancer) ?? [];
    this.#timer = setInterval(() => this.#visit({ hostname, port: Number(port) }), 1_000 / rate);
  }

  async #visit(where: Deno.ConnectOptions): Promise<void> {
    const at = now();
    this.opened++;
    const signal = AbortSignal.timeout(PATIENCE);
    const what = await Promise.race([
      talk(where, signal).then(() => undefined, (error) => nameOf(error)),
      new Promise<string>((resolve) => signal.onabort = () => resolve("timeout")),
    ]);
    if (what !== undefined) this.failures.push({ at, what });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

async function talk(where: Deno.ConnectOptions, signal: AbortSignal): Promise<void> {
  using connection = await Deno.connect({ ...where, signal });
  await connection.write(encoder.encode(GREETING));
  if (await connection.read(new Uint8Array(64)) === null) throw new Error("closed");
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "closed" ? "closed without an answer" : error.name;
}

/** The parts of the sidecar's /status that are used. */
interface Status {
  readonly phase: string;
  readonly in_phase_seconds: number;
  readonly ready: boolean;
  readonly groups: readonly { readonly membership: string }[];
  readonly drain?: { readonly elapsed_seconds: number };
}

async function statusOf(sidecar: string): Promise<Status | undefined> {
  try {
    return await (await fetch(`${sidecar}/status`)).json();
  } catch {
    // It listens soon.
    return undefined;
  }
}

/** Polls the status until it fits. @returns It, and when it came. */
async function until(
  sidecar: string,
  fits: (status: Status) => boolean,
): Promise<[Status, number]> {
  while (true) {
    const status = await statusOf(sidecar);
    if (status !== undefined && fits(status)) return [status, now()];
    await pause(POLL / 1_000);
  }
}

/** From registering to the last connection after deregistering. */
async function cycle(options: Options, server: Server, users: Users): Promise<Cycle> {
  const { sidecar, steady, quiet } = options;
  const start = now();
  const [before, opened] = [users.failures.length, users.opened];
  const arrived = server.arrivals.length;
  const [waiting, seenAt] = await until(
    sidecar,
    ({ groups }) =>
      groups.length > 0 && groups.every(({ membership }) => membership === "registered"),
  );
  const registeredAt = waiting.phase === "waiting-in-service"
    ? seenAt - waiting.in_phase_seconds
    : seenAt;
  const [, readyAt] = await until(sidecar, ({ ready }) => ready);
  await pause(steady);
  const draining = fetch(`${sidecar}/drain`, { method: "POST" })
    .then(async (response) => ({ drained: (await response.text()).trim(), at: now() }));
  const [{ drain }, drainSeenAt] = await until(sidecar, (status) => status.drain !== undefined);
  const deregisteredAt = drainSeenAt - (drain?.elapsed_seconds ?? 0);
  const { drained, at: drainedAt } = await draining;
  const lastAt = () => server.arrivals.at(-1) ?? 0;
  while (now() - Math.max(lastAt(), deregisteredAt) < quiet) await pause(POLL / 1_000);
  const arrivals = server.arrivals.slice(arrived);
  const [first = NaN] = arrivals;
  const rounded = (seconds: number) => Math.round(seconds * 1_000) / 1_000;
  return {
    registeredAt: rounded(registeredAt - start),
    firstConnectionAfter: rounded(Math.max(0, first - registeredAt)),
    readyAfter: rounded(readyAt - registeredAt),
    deregisteredAt: rounded(deregisteredAt - start),
    lastConnectionAfter: rounded(Math.max(0, lastAt() - deregisteredAt)),
    drainedAfter: rounded(drainedAt - deregisteredAt),
    drained,
    arrivals: arrivals.map((at) => rounded(at - start)),
    opened: users.opened - opened,
    failures: users.failures.slice(before).map(({ at, what }) => ({
      ...{ at: rounded(at - start), what },
      inService: at > first && at < lastAt(),
    })),
  };
}

/** Measures, and takes as many cycles as it is told. */
async function run(options: Options): Promise<Report> {
  await pause(options.delay);
  using server = new Server(options);
  using users = new Users(options);
  const cycles: Cycle[] = [];
  for (let count = 0; count < options.cycles; count++) {
    if (count > 0) await fetch(`${options.sidecar}/register`, { method: "POST" });
    cycles.push(await cycle(options, server, users));
    const { firstConnectionAfter, lastConnectionAfter, failures } = cycles.at(-1) ?? {};
    console.error(
      `cycle ${count + 1}: first connection after ${firstConnectionAfter} s, last one ` +
        `${lastConnectionAfter} s after deregistering, ${failures?.length} failures`,
    );
  }
  return { version: 1, pod: Deno.env.get("POD_NAME") ?? "", options, cycles };
}

/** Reads the command line. @throws {Error} Something is missing or is no number. */
function optionsOf(args: readonly string[]): Options {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at += 2) given.set(args[at] ?? "", args[at + 1] ?? "");
  const text = (name: string, absent?: string) => {
    const value = given.get(name) ?? absent;
    if (value === undefined) throw new Error(`${name} is missing`);
    given.delete(name);
    return value;
  };
  const number = (name: string, absent?: number) => {
    const value = Number(text(name, absent === undefined ? undefined : `${absent}`));
    if (!(value >= 0)) throw new Error(`${name} is not a number`);
    return value;
  };
  const loadBalancer = text("--load-balancer");
  if (!/:\d+$/.test(loadBalancer)) throw new Error("--load-balancer is HOST:PORT");
  const options = {
    ...{ loadBalancer, port: number("--port"), hostname: text("--hostname", "::") },
    sidecar: text("--sidecar", "http://localhost:8081"),
    ...{ cycles: number("--cycles", 3), steady: number("--steady", 60) },
    ...{ quiet: number("--quiet", 180), rate: number("--rate", 10), delay: number("--delay", 0) },
  };
  const [unknown] = given.keys();
  if (unknown !== undefined) throw new Error(`there is no ${unknown}`);
  return options;
}

const [WIDTH, HEIGHT, LEFT] = [860, 150, 20] as const;

/** Each cycle with its arrivals and failures in each second, and what was measured. */
function picture({ cycles, pod }: Report): string {
  const rows = cycles.map((one, index) => {
    const failed = one.failures.map(({ at }) => at);
    const counts = [one.arrivals, failed].map((times) =>
      Map.groupBy(times, (at) => Math.floor(at))
    );
    const end = Math.max(one.deregisteredAt + one.drainedAfter, ...one.arrivals, ...failed) + 1;
    const most = Math.max(
      ...counts.flatMap((count) => [...count.values()].map(({ length }) => length)),
    );
    const x = (at: number) => (LEFT + at / end * (WIDTH - 2 * LEFT)).toFixed(1);
    const width = Math.max(1, 0.8 * (WIDTH - 2 * LEFT) / end).toFixed(1);
    const bars = (count: Map<number, number[]>, fill: string) =>
      [...count].map(([second, { length }]) => {
        const height = (length / most * 70).toFixed(1);
        return `<rect x="${x(second)}" y="${100 - Number(height)}" width="${width}" ` +
          `height="${height}" fill="${fill}" fill-opacity="0.6"/>`;
      }).join("");
    const mark = (at: number, words: string, row: number) =>
      `<path d="M${x(at)} 22v${84 + 12 * row}" stroke="#57606a" stroke-dasharray="3"/>` +
      `<text x="${x(at)}" y="${114 + 12 * row}" font-size="10" ` +
      `text-anchor="${at > end / 2 ? "end" : "start"}">${words}</text>`;
    const { registeredAt, deregisteredAt } = one;
    return `<g transform="translate(0,${index * HEIGHT})">
<text x="6" y="14" font-weight="bold">${pod} cycle ${
      index + 1
    }: ${one.failures.length} of ${one.opened} connections failed</text>
${counts.map((count, at) => bars(count, at === 0 ? "#4ac26b" : "#cf222e")).join("")}
${mark(registeredAt, "registered", 0)}
${
      mark(
        registeredAt + one.firstConnectionAfter,
        `first connection after ${one.firstConnectionAfter} s`,
        1,
      )
    }
${mark(deregisteredAt, "deregistered", 0)}
${mark(deregisteredAt + one.lastConnectionAfter, `last one after ${one.lastConnectionAfter} s`, 1)}
${mark(deregisteredAt + one.drainedAfter, `${one.drained} after ${one.drainedAfter} s`, 2)}
</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
    cycles.length * HEIGHT
  }" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n` +
    `${rows.join("\n")}\n</svg>\n`;
}

if (import.meta.main) {
  const [command, ...args] = Deno.args;
  try {
    if (command === "picture") console.log(picture(await new Response(Deno.stdin.readable).json()));
    else if (command === "run") console.log(JSON.stringify(await run(optionsOf(args))));
    else throw new Error("the first argument is run or picture");
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
  Deno.exit(0);
}
