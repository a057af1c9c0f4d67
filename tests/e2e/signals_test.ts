/** A stop signal in every phase of a life: nothing is left behind, whatever its timing. */
import { assertEquals } from "@std/assert";
import { allEnd } from "../process/proc.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

/** A moment in a life, and what a stop then leads to. */
interface Phase extends SceneOptions {
  readonly name: string;
  /** Waits until the life is there. */
  readonly reach: (scene: Scene) => Promise<void>;
  /** What happens after the signal, before the end. */
  readonly then?: (scene: Scene) => void | Promise<void>;
  /** The calls of the whole life. */
  readonly calls: string;
  /** @default {0} */
  readonly code?: number;
}

/** A command that says who it is and then stays, with a child that does not mind SIGTERM. */
const HANGING_COMMAND =
  "sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1000; done' & echo parent $$; wait";

async function hookRuns(scene: Scene): Promise<void> {
  await scene.sidecar.line(/child \d+/);
  await scene.sidecar.line(/parent \d+/);
}

const UPPER_ROW: readonly Phase[] = [
  {
    name: "idle",
    reach: async (scene) => void await scene.sidecar.line(/serving/),
    calls: "find register look deregister",
  },
  {
    name: "backing off while resolving",
    faults: [{ what: "throttle", action: "DescribeTargetGroups", retryAfter: 30 }],
    reach: async (scene) => void await scene.sidecar.line(/next_try_in/),
    calls: "find",
  },
  {
    name: "the pre-register command is running",
    args: ["-pre-register-command", HANGING_COMMAND, "-pre-register-timeout=1m"],
    reach: hookRuns,
    calls: "find",
  },
  {
    name: "RegisterTargets is in flight and answered after the signal",
    faults: [{ what: "hold", action: "RegisterTargets" }],
    reach: (scene) => scene.received("RegisterTargets"),
    then: async (scene) => {
      await scene.received("DeregisterTargets");
      scene.emulator.release();
    },
    calls: "find register deregister deregister",
  },
  {
    name: "RegisterTargets is in flight and applied late, after the client has gone away",
    args: ["-register-timeout=3s", "-confirm-settle=4s"],
    faults: [
      { what: "hold", action: "RegisterTargets" },
      { what: "hang", applied: true, action: "RegisterTargets" },
    ],
    reach: (scene) => scene.received("RegisterTargets"),
    then: async (scene) => {
      // The client has given the call up, and has looked: only now it is applied.
      await scene.received("DescribeTargetHealth");
      scene.emulator.release();
    },
    calls: "find register deregister look deregister look deregister",
  },
  {
    name: "backing off after RegisterTargets was applied, but its answer was lost",
    args: ["-confirm-settle=2s"],
    faults: [{
      what: "throttle",
      action: "RegisterTargets",
      retryAfter: 30,
      occurrence: { from: 2 },
    }, { what: "reset", applied: true, action: "RegisterTargets", occurrence: "first" }],
    reach: async (scene) => void await scene.sidecar.line(/Throttling.*next_try_in/),
    calls: "find register register deregister look deregister",
  },
  {
    name: "asking for the health",
    faults: [{ what: "hold", action: "DescribeTargetHealth" }],
    reach: (scene) => scene.received("DescribeTargetHealth"),
    calls: "find register look deregister",
  },
  {
    name: "the post-register command is running",
    args: ["-post-register-command", HANGING_COMMAND, "-post-register-timeout=1m"],
    reach: hookRuns,
    calls: "find register look deregister",
  },
];

/** Phases that the first signal, or a failure, leads to; the second signal comes there. */
const LOWER_ROW: readonly Phase[] = [
  {
    name: "the pre-deregister command is running",
    args: [
      "-pre-deregister-command",
      HANGING_COMMAND,
      "-pre-deregister-timeout=1m",
      "-post-deregister-command=echo must not run",
    ],
    reach: hookRuns,
    calls: "find register look deregister",
  },
  {
    name: "DeregisterTargets is in flight",
    args: ["-post-deregister-command=echo must not run"],
    faults: [{ what: "hold", action: "DeregisterTargets" }],
    reach: (scene) => scene.received("DeregisterTargets"),
    then: (scene) => scene.emulator.release(),
    calls: "find register look deregister",
  },
  {
    name: "the post-deregister command is running",
    args: ["-post-deregister-command", HANGING_COMMAND, "-post-deregister-timeout=1m"],
    reach: hookRuns,
    calls: "find register look deregister",
  },
];

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

function upperRow(phase: Phase, signal: Deno.Signal): Case {
  return {
    name: `${signal} while ${phase.name}`,
    run: async () => {
      await using scene = await Scene.start(phase);
      await phase.reach(scene);
      scene.sidecar.signal(signal);
      await phase.then?.(scene);
      await expectEnd(scene, phase);
    },
  };
}

function lowerRow(phase: Phase, signals: readonly [Deno.Signal, Deno.Signal]): Case {
  return {
    name: `${signals.join(", then ")} while ${phase.name}`,
    run: async () => {
      await using scene = await Scene.start(phase);
      await scene.sidecar.line(/serving/);
      scene.sidecar.signal(signals[0]);
      await phase.reach(scene);
      await scene.sidecar.forceStop(signals[1]);
      await phase.then?.(scene);
      await expectEnd(scene, phase);
    },
  };
}

async function expectEnd(scene: Scene, { calls, code = 0 }: Phase): Promise<void> {
  const end = await scene.sidecar.ended();
  const log = end.log.join("\n");
  assertEquals(end.code, code, log);
  assertEquals(scene.calls, calls, log);
  await scene.nothingLeftBehind();
  await allEnd([...log.matchAll(/(?:child|parent) (\d+)/g)].map(([, pid = ""]) => pid));
  assertEquals(log.includes("must not run\n"), false, "a hook ran after the second signal");
}

sideBySide([
  // Which signal it is makes no difference: each phase has one, and each signal many phases.
  ...UPPER_ROW.map((phase, at) => upperRow(phase, SIGNALS[at % 3] ?? "SIGTERM")),
  ...LOWER_ROW.map((phase, at) =>
    lowerRow(phase, [SIGNALS[at % 3] ?? "SIGTERM", SIGNALS[(at + at % 2) % 3] ?? "SIGTERM"])
  ),
  {
    name: "one Ctrl-C that arrives three times is one request: hooks run",
    run: async () => {
      await using scene = await Scene.start({
        args: ["-pre-deregister-command=sleep 0.5", "-post-deregister-command=echo it ran"],
      });
      await scene.sidecar.line(/serving/);
      for (const name of ["SIGINT", "SIGINT", "SIGTERM"] as const) scene.sidecar.signal(name);
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 0);
      const steps = log.join("\n").match(/stop signal|hook succeeded|line="it ran"/g);
      const hook = "hook succeeded";
      assertEquals(steps?.slice(1), ["stop signal", hook, 'line="it ran"', hook]);
    },
  },
  {
    name: "DeregisterTargets does not wait for a post-register command that ignores SIGTERM",
    run: async () => {
      await using scene = await Scene.start({
        args: ["-post-register-command", HANGING_COMMAND, "-post-register-timeout=1m"],
      });
      await hookRuns(scene);
      scene.sidecar.signal("SIGTERM");
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 0);
      const place = (pattern: RegExp) => log.findIndex((line) => pattern.test(line));
      const hookEnded = place(/WARN.*post-register/);
      assertEquals(hookEnded >= 0, true, log.join("\n"));
      assertEquals(place(/target deregistered/) < hookEnded, true, log.join("\n"));
    },
  },
]);
