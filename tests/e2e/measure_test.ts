/** The measuring program, as a user runs it: it has to recover the emulator's settings. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Report } from "../../deploy/measure/measure.ts";
import { ROOT } from "../../tools/deno.ts";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";
import { SidecarProcess } from "./sidecar_process.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

const PROGRAM = ["run", "-q", "--no-config", "-A", `${ROOT}deploy/measure/measure.ts`];
const PORT = 8443;

/** Of the emulator, in seconds. */
interface Settings {
  readonly registering: number;
  /** After registering, until healthy. */
  readonly checks: number;
  /** For new connections to a deregistered target. */
  readonly sends: number;
  /** The deregistration delay. */
  readonly delay: number;
}

const SETTINGS: readonly Settings[] = [
  { registering: 0.5, checks: 1, sends: 2, delay: 1 },
  { registering: 0, checks: 3, sends: 1, delay: 2 },
  { registering: 2, checks: 0.5, sends: 4, delay: 3 },
  { registering: 1, checks: 2, sends: 6, delay: 5 },
  { registering: 0, checks: 0, sends: 3, delay: 4 },
];

/** An emulator with these settings, whose listener leads to the targets. */
function emulatorWith({ registering, checks, sends, delay }: Settings): Promise<Emulator> {
  return startEmulator({
    groups: [{
      ...{ name: "measured", port: PORT, listener: true, deregistrationDelaySeconds: delay },
      health: { check: "assumed", after: 1_000 * checks, healthy: true },
      ...{ registering: 1_000 * registering, sendsAfterDeregistration: 1_000 * sends },
      healthCheckIntervalSeconds: 1,
    }],
  });
}

/** Runs the program beside a sidecar. @returns Its report, as it prints it. */
async function measure(emulator: Emulator, address: string, ...more: string[]): Promise<string> {
  await using sidecar = new SidecarProcess({
    args: [
      ...["-target-group-name=measured", `-target-id=${address}`, "-listen=127.0.0.1:0"],
      ...[`-wait-for=tcp://${address}:${PORT}`, "-min-drain-time=1s"],
    ],
    env: emulator.environment,
  });
  const [, url] = /listening address=(\S+)/.exec(await sidecar.line(/listening/)) ?? [];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...[...PROGRAM, "run", "--load-balancer", `127.0.0.1:${emulator.groups[0]?.port}`],
      ...["--sidecar", `http://${url}`, "--hostname", address, "--port", `${PORT}`],
      ...["--rate", "20", ...more],
    ],
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

async function pictureOf(report: string): Promise<string> {
  const drawing = new Deno.Command(Deno.execPath(), {
    ...{ args: [...PROGRAM, "picture"], stdin: "piped", stdout: "piped" },
  }).spawn();
  const picture = new Response(drawing.stdout).text();
  await new Response(report).body?.pipeTo(drawing.stdin);
  await drawing.status;
  return await picture;
}

const RECOVERS: readonly Case[] = SETTINGS.map((settings, at) => ({
  name: `the measuring program recovers ${JSON.stringify(settings)} within a second`,
  run: async () => {
    await using emulator = await emulatorWith(settings);
    const times = ["--cycles", "1", "--steady", "2", "--quiet", "3"];
    const report = await measure(emulator, `127.40.0.${at + 1}`, ...times);
    const { cycles }: Report = JSON.parse(report);
    const [cycle] = cycles;
    assert(cycle !== undefined && cycles.length === 1);
    const { firstConnectionAfter, lastConnectionAfter, drainedAfter, failures } = cycle;
    const text = JSON.stringify({ firstConnectionAfter, lastConnectionAfter, drainedAfter });
    assert(Math.abs(firstConnectionAfter - settings.registering - settings.checks) < 1, text);
    assert(Math.abs(lastConnectionAfter - settings.sends) < 1, text);
    // The sidecar polls when the delay has passed, and a second later.
    assert(drainedAfter >= settings.delay && drainedAfter < settings.delay + 2, text);
    // Before and after the only target, there is none.
    assert(failures.length > 0 && cycle.opened > failures.length, text);
    assertEquals(failures.filter(({ inService }) => inService), []);
    assertMatch(
      await pictureOf(report),
      /^<svg [\s\S]*first connection after \d[\s\S]*<\/svg>\s*$/,
    );
  },
}));

const TAKE_TURNS: Case = {
  name: "the measuring program finds no failure where two pods take turns",
  run: async () => {
    await using emulator = await emulatorWith({
      registering: 0.5,
      checks: 0.5,
      sends: 3,
      delay: 1,
    });
    const turns = (address: string, delay: string, cycles: string) =>
      measure(
        emulator,
        address,
        "--delay",
        delay,
        "--cycles",
        cycles,
        "--steady",
        "8",
        "--quiet",
        "2.5",
      );
    const reports = await Promise.all([
      turns("127.40.1.1", "0", "2"),
      turns("127.40.1.2", "5", "1"),
    ]);
    const [first, second]: Report[] = reports.map((report) => JSON.parse(report));
    // Before the first target there is none; and the second pod leaves before the first one ends.
    const [early] = first?.cycles ?? [];
    assert(early !== undefined);
    const served = early.registeredAt + early.firstConnectionAfter;
    assertEquals(early.failures.filter(({ at }) => at > served), []);
    assertEquals(second?.cycles[0]?.failures, []);
    // Neither had all of the connections.
    const [one] = second?.cycles ?? [];
    assert(one !== undefined && one.arrivals.length > 0 && one.opened > 100);
  },
};

sideBySide([...RECOVERS, TAKE_TURNS]);
