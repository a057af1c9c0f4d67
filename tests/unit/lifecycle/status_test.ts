/** `/status` and the counters of `/metrics`, field by field, along a life whose state is known. */
import { assertEquals } from "@std/assert";
import { sleep } from "../../../lib/host/clock.ts";
import type { RegisterAnswer } from "../../../lib/lifecycle/current_intent.ts";
import { type Phase, PHASES, type Status } from "../../../lib/lifecycle/status.ts";
import { arnOf } from "../fake_load_balancer.ts";
import { ANSWERS, Life, MINUTE, SECOND } from "./_lifecycle.ts";

/** Each step takes its own time, so that no two figures are alike. */
function slowLife(): Life {
  const hookTimes = { "pre-register": 7, "post-register": 8, "pre-deregister": 9 };
  const life: Life = new Life({
    args: ["-wait-drained", "-listen=:0", "-min-drain-time=100s"],
    groups: ["kafka", "kafka:9093"],
    hook: async (event) => {
      const time = event === "post-deregister" ? 11 : hookTimes[event];
      await sleep(life.clock.within(time * SECOND));
      return { outcome: "succeeded" };
    },
    application: {
      wait: (stop) => sleep(life.clock.within(20 * SECOND, stop)),
      restarted: () => new Promise(() => {}),
    },
    connections: (port) => port === 9092 ? 1 : 2,
  });
  life.elb.takes = (call) => call === "DescribeTargetHealth" ? SECOND : 5 * SECOND;
  life.drainAt(5 * MINUTE);
  life.clock.at(15 * MINUTE, () => life.view.register());
  return life.stopAt(20 * MINUTE);
}

type Row = readonly [
  at: number,
  phase: Phase,
  inPhase: number,
  is: string,
  membership: "none" | "absent" | "registered" | "draining",
  health?: readonly [state: string, age: number],
  drain?: readonly [elapsed: number, done: boolean],
];

/** Seconds from the start; `is` names the flags that are true. While it serves, it polls every 27.25 s. */
const ROWS: readonly Row[] = [
  [4, "resolving", 4, "", "none"],
  [6, "waiting-for-application", 1, "", "absent"],
  [31, "pre-register", 6, "", "absent"],
  [36, "registering", 4, "", "absent"],
  [38, "waiting-in-service", 1, "", "registered"],
  [47, "post-register", 1.5, "ready", "registered", ["healthy", 1.5]],
  [55, "serving", 1.5, "ready", "registered", ["healthy", 9.5]],
  [304, "pre-deregister", 4, "drain_requested", "registered", ["healthy", 5.25]],
  [313, "deregistering", 4, "drain_requested", "registered", ["healthy", 14.25]],
  [400, "draining", 86, "drain_requested", "draining", ["healthy", 101.25], [86, false]],
  [617, "post-deregister", 1, "drain_requested", "absent", ["unused", 1], [303, true]],
  [800, "drained", 173, "drain_requested", "absent", ["unused", 184], [486, true]],
  // Another registration cycle: nothing of the last one is left.
  [901, "waiting-for-application", 1, "", "absent"],
  [940, "waiting-in-service", 8, "", "registered"],
  [960, "serving", 11.5, "ready", "registered", ["healthy", 19.5]],
  [1_201, "pre-deregister", 1, "stopping", "registered", ["healthy", 7.25]],
  [1_300, "draining", 86, "stopping", "draining", ["healthy", 106.25], [86, false]],
];

function documentOf([at, phase, inPhase, is, membership, health, drain]: Row): Status {
  const groups = [9092, 9093].map((port) => ({
    ...{ name: "kafka", arn: arnOf("kafka"), target_id: "10.0.0.1", port, error: undefined },
    membership: membership === "none" ? "unknown" as const : membership,
    health: health && {
      state: health[0],
      reason: health[0] === "unused" ? "Target.NotRegistered" : undefined,
      age_seconds: health[1],
    },
  }));
  return {
    ...{ version: 1, phase, in_phase_seconds: inPhase, uptime_seconds: at },
    ...{ stopping: is === "stopping", drain_requested: is === "drain_requested" },
    ready: is === "ready",
    groups: membership === "none" ? [] : groups,
    drain: drain && { elapsed_seconds: drain[0], at_least_seconds: 100, done: drain[1] },
    // One to the group's own port, two to the other.
    connections: membership === "none" ? 0 : 3,
    application: ANSWERS,
  };
}

Deno.test("/status is right in every field, in every phase of two registration cycles", async () => {
  const life = slowLife();
  const seen: Status[] = [];
  for (const [at] of ROWS) life.clock.at(at * SECOND, () => seen.push(life.view.status()));
  const outcome = await life.run();
  assertEquals(outcome, { exit: "done", message: "stopped: the target is deregistered" });
  // As clients get it: what is undefined is left out.
  const sent = (documents: readonly Status[]) => JSON.parse(JSON.stringify(documents));
  assertEquals(sent(seen), sent(ROWS.map(documentOf)));
  const { phase, stopping } = life.view.status();
  assertEquals([phase, stopping], ["ended", true]);
  const phases = new Set([...seen.map((status) => status.phase), phase]);
  assertEquals(phases, new Set(PHASES));
});

Deno.test("the counters add up: the phases that ended, and this one, are all of the time", async () => {
  const life = slowLife();
  const { phasesEnded, phaseTimes } = life.stats;
  for (const [at] of ROWS) {
    life.clock.at(at * SECOND, () => {
      const ended = phaseTimes.samples.reduce((sum, [, time]) => sum + time, 0) / SECOND;
      const { uptime_seconds, in_phase_seconds } = life.view.status();
      assertEquals(ended + in_phase_seconds, uptime_seconds);
    });
  }
  await life.run();
  const counts = new Map(phasesEnded.samples.map(([[phase], count]) => [phase, count]));
  const ended = PHASES.map((phase) => counts.get(phase));
  assertEquals(ended, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, undefined]);
  assertEquals(life.stats.stopToDeregistered, 14 * SECOND, "a hook of 9 s, and a call of 5 s");
});

Deno.test("/register says what comes of it: before a drain, in one, after it, and in a stop", async () => {
  const life = slowLife();
  const answers: RegisterAnswer[] = [];
  const moments = [MINUTE, 6 * MINUTE, 16 * MINUTE, 20 * MINUTE + SECOND];
  for (const moment of moments) life.clock.at(moment, () => answers.push(life.view.register()));
  await life.run();
  answers.push(life.view.register());
  assertEquals(answers, ["not-drained", "registering", "not-drained", "stopping", "stopping"]);
});

Deno.test("/status says registered while a target that is back in its group is deregistered again", async () => {
  const life = new Life({ args: ["-wait-drained", "-min-drain-time=0s"] }).stopAt(MINUTE);
  life.elb.takes = (call) => call === "DeregisterTargets" ? 5 * SECOND : 10;
  life.elb.delay = 10 * SECOND;
  life.clock.at(72 * SECOND, () => life.elb.states.set("kafka", "healthy"));
  const seen: string[] = [];
  for (const second of [70, 78, 83]) {
    life.clock.at(second * SECOND, () => {
      seen.push(life.view.status().groups[0]?.membership ?? "");
    });
  }
  await life.run();
  assertEquals(seen, ["draining", "registered", "draining"]);
});
