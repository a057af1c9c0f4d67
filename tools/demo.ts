/** `deno task demo`: one lifecycle of the sidecar against the emulator, as one timeline. */
import type { Emulator } from "../tests/emulator/emulator.ts";
import type { EmulatorEvent } from "../tests/emulator/events.ts";
import { startEmulator } from "../tests/emulator/server.ts";
import { linesOf } from "./lines.ts";
import { sidecarCommand } from "./sidecar_command.ts";

/** The whole demo takes a few seconds; something is wrong if it takes longer than this. */
const LONGEST_MS = 30_000;
/** For how long the pod serves before it is stopped. */
const SERVES_MS = 1_500;

/** Who speaks, each in a colour of its own (on a terminal; plain text otherwise). */
const COLOURS = {
  demo: "color: gray",
  pod: "color: magenta",
  sidecar: "color: green",
  API: "color: blue",
  target: "color: orange",
} as const;

const started = performance.now();
/** Prints a line of the timeline. */
function say(who: keyof typeof COLOURS, what: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(3).padStart(7);
  console.log(`${seconds}s  %c${who.padEnd(8)}%c${what}`, COLOURS[who], "");
}

await using emulator = await startEmulator({
  groups: [{
    name: "kafka",
    health: { check: "tcp" },
    healthCheckIntervalSeconds: 5,
    healthyThresholdCount: 3,
    registering: 10_000,
    deregistrationDelaySeconds: 20,
    timeScale: 10,
  }],
  // What a busy account sees every day.
  faults: [{ what: "throttle", action: "RegisterTargets", occurrence: "first" }],
});
emulator.listen((event) => tell(event));
say("demo", `an emulator of the load balancer API listens at ${emulator.url}`);

using service = Deno.listen({ hostname: "127.0.0.1", port: 0 });
serve(service);
say("pod", `the application listens on port ${service.addr.port}`);

const args = [
  ...["-target-group-name", "kafka"],
  ...["-target-id", "127.0.0.1"],
  ...["-target-port", String(service.addr.port)],
  ...["-pre-register-command", "echo the caches are warm"],
  ...["-post-register-command", "echo in service: tell the others"],
  ...["-post-deregister-command", "echo gone: tell the others"],
];
say("demo", `k8s-nlb-registrator-sidecar ${args.map(quoted).join(" ")}`);
const { code, signalledAt } = await runSidecar(args, emulator);
const ok = summarize(code, signalledAt);
Deno.exit(ok ? 0 : 1);

/** Answers the load balancer's health checks: a connection is all they want. */
async function serve(listener: Deno.TcpListener): Promise<void> {
  for await (const connection of listener) connection.close();
}

async function runSidecar(
  args: readonly string[],
  { environment }: Emulator,
): Promise<{ code: number; signalledAt: number }> {
  const [program, ...first] = sidecarCommand();
  const child = new Deno.Command(program, {
    args: [...first, ...args],
    env: environment,
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
    signal: AbortSignal.timeout(LONGEST_MS),
  }).spawn();
  let signalledAt = NaN;
  for await (const line of linesOf(child.stderr)) {
    say("sidecar", line.replace(/^\S+ (\w+) +/, (_, level) => level.padEnd(6)));
    if (line.includes("serving until a stop signal comes")) {
      setTimeout(() => {
        say("pod", "is deleted: the kubelet sends SIGTERM");
        signalledAt = performance.now();
        child.kill("SIGTERM");
      }, SERVES_MS);
    }
  }
  return { code: (await child.status).code, signalledAt };
}

function tell(event: EmulatorEvent): void {
  if (event.kind === "call-answered" || event.kind === "client-gone") {
    const { action, status, code } = event.call;
    say("API", [action, status ?? "no answer", code].filter(Boolean).join(" "));
  } else if (event.kind === "state-changed") {
    const { from, to, target } = event;
    const name = (state: typeof to) => [state.state, state.reason].filter(Boolean).join(" ");
    say("target", `${target.id}:${target.port} ${name(from)} → ${name(to)}`);
  }
}

function summarize(code: number, signalledAt: number): boolean {
  const counts = new Map<string, number>();
  for (const { action } of emulator.calls) counts.set(action, (counts.get(action) ?? 0) + 1);
  const deregistered = emulator.events.find((event) =>
    event.kind === "call-received" && event.action === "DeregisterTargets"
  );
  const left = emulator.registered("kafka").length;
  const ended = performance.now();
  console.log(`
exit code               ${code}
API calls               ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}
SIGTERM to exit         ${Math.round(ended - signalledAt)} ms
targets left registered ${left}

Try next:
  npx -y deno@2.9.6 task test       run the tests
  npx -y deno@2.9.6 task emulator   keep an emulator running, to point the sidecar at
  npx -y deno@2.9.6 task start -h   all flags of the sidecar
`);
  return code === 0 && left === 0 && deregistered !== undefined;
}

function quoted(arg: string): string {
  return /\s/.test(arg) ? `'${arg}'` : arg;
}
