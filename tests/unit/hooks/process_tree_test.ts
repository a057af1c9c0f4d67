/** Nothing of a hook outlives it. Every process here would run for a thousand seconds. */
import { assert, assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../../lib/host/clock.ts";
import {
  becomes,
  hasEnded,
  hastyClock,
  type HookOptions,
  isOutput,
  isRunning,
  lastOf,
  processState,
  slowClock,
  startHook,
  withFifo,
} from "./_hooks.ts";

/** Commands that say which processes they are, and the signal that ends the first of them. */
const COMMANDS: readonly (HookOptions & {
  readonly name: string;
  readonly command: string;
  readonly signal?: Deno.Signal;
})[] = [
  {
    name: "a command",
    command: "echo up $$; exec sleep 1000",
    signal: "SIGTERM",
    clock: slowClock,
  },
  {
    name: "a command without a shell",
    command: "sh -c 'echo up $$; exec sleep 1000'",
    shell: false,
  },
  {
    name: "a command that ignores SIGTERM",
    command: "trap '' TERM; echo up $$; exec sleep 1000",
    signal: "SIGKILL",
  },
  {
    name: "a grandchild that ignores SIGTERM",
    command: `sh -c 'sh -c "trap \\"\\" TERM; echo up \\$\\$; exec sleep 1000"; true'; true`,
  },
  {
    name: "a whole pipeline",
    command: "(echo up $$ >&2; exec sleep 1000) | sh -c 'echo up $$; exec cat'",
  },
];

for (const { name, command, signal, ...options } of COMMANDS) {
  for (const [how, outcome] of [["expire", "timed-out"], ["stop", "cut-short"]] as const) {
    Deno.test(`${name} is ended at ${how === "stop" ? "a stop" : "its timeout"}`, async () => {
      const hook = startHook(command, options);
      const count = name.includes("pipeline") ? 2 : 1;
      await becomes("it is up", () => hook.log.output.length === count);
      hook[how]();
      assertEquals((await hook.result).outcome, outcome);
      if (signal !== undefined) assertEquals(lastOf(hook.log).fields.signal, signal);
      for (const line of hook.log.output) await hasEnded(Number(line.replace("up ", "")));
    });
  }
}

/** Short sleeps: a child that is forked and not yet itself when SIGTERM comes does not act on it. */
const FOR_EVER = "while :; do sleep 0.05; done 2>/dev/null";

Deno.test("a command has the time to end in its own way after SIGTERM", async () => {
  const command = `trap 'echo term; sleep 0.3; echo bye; exit 7' TERM; echo up; ${FOR_EVER}`;
  const hook = startHook(command, { clock: slowClock });
  await hook.log.printed(/up/);
  hook.expire();
  assertEquals((await hook.result).outcome, "timed-out");
  assertEquals(hook.log.output, ["up", "term", "bye"]);
  assertEquals(lastOf(hook.log).fields.exit_code, 7);
});

Deno.test("a command that ends well after SIGTERM did not succeed", async () => {
  const hook = startHook(`trap 'exit 0' TERM; echo up; ${FOR_EVER}`);
  await hook.log.printed(/up/);
  hook.expire();
  assertEquals((await hook.result).outcome, "timed-out");
});

Deno.test("a stopped command is continued to act on SIGTERM", async () => {
  const command = "trap 'echo bye; exit 0' TERM; echo up $$; kill -STOP $$";
  const hook = startHook(command, { clock: slowClock });
  const [, pid] = await hook.log.printed(/up (\d+)/);
  await becomes("the command is stopped", () => processState(Number(pid)) === "T");
  hook.expire();
  await hook.result;
  assertEquals(hook.log.output.at(-1), "bye");
});

Deno.test("a real timeout ends a command", async () => {
  const hook = startHook("exec sleep 1000", { timeout: 50 });
  assertEquals(await hook.result, { outcome: "timed-out" });
});

Deno.test("what a command leaves in the background is ended, and holds nothing up", async () => {
  const commands = [
    ["sleep 1000 >/dev/null 2>&1 & echo up $!", "succeeded"],
    ["sleep 1000 & echo up $!; exit 4", "failed"],
  ] as const;
  for (const [command, outcome] of commands) {
    const hook = startHook(command);
    assertEquals((await hook.result).outcome, outcome);
    const [, pid] = await hook.log.printed(/up (\d+)/);
    await hasEnded(Number(pid));
  }
});

Deno.test("a background child that ignores SIGTERM is killed a second later", async () => {
  await withFifo(async (fifo) => {
    const child = `sh -c 'trap "" TERM; echo up $$; echo >${fifo}; exec sleep 1000'`;
    const hook = startHook(`${child} & read line <${fifo}`, { clock: systemClock });
    const [, pid] = await hook.log.printed(/up (\d+)/);
    const up = systemClock.now();
    assertEquals(await hook.result, { outcome: "succeeded" });
    assertTook(systemClock.now() - up, 1_000);
    await hasEnded(Number(pid));
  });
});

Deno.test("a background child has the time to end in its own way, and is heard", async () => {
  await withFifo(async (fifo) => {
    const trap = "trap 'echo term; sleep 0.3; echo bye; exit' TERM";
    const child = `(${trap}; echo >${fifo}; ${FOR_EVER})`;
    const hook = startHook(`${child} & read line <${fifo}`, { clock: slowClock });
    assertEquals(await hook.result, { outcome: "succeeded" });
    assertEquals(hook.log.output, ["term", "bye"]);
  });
});

Deno.test("a stop while the rest of a command is ended does not undo its success", async () => {
  const stop = new AbortController();
  const clock: Clock = {
    ...hastyClock,
    within: (time, ...signals) => {
      if (time <= 50) stop.abort(new Error("a stop was requested"));
      return hastyClock.within(time, ...signals);
    },
  };
  await withFifo(async (fifo) => {
    const child = `(trap '' TERM; echo >${fifo}; exec sleep 1000)`;
    const hook = startHook(`${child} & read line <${fifo}`, { stop, clock });
    assertEquals(await hook.result, { outcome: "succeeded" });
    assert(stop.signal.aborted);
  });
});

Deno.test("a process with a session of its own is out of reach, and holds up a second at most", async () => {
  const command = "setsid sh -c 'echo up $$; printf last; exec sleep 1000' & sleep 1000";
  const hook = startHook(command, { clock: systemClock });
  const [, pid] = await hook.log.printed(/up (\d+)/);
  const stopped = systemClock.now();
  hook.stop();
  assertEquals(await hook.result, { outcome: "cut-short" });
  // The group has a second to end, and so has the pipe that the process still holds.
  assertTook(systemClock.now() - stopped, 1_000, 2_100);
  assertEquals([hook.log.output.at(-1), isOutput(lastOf(hook.log))], ["last", false]);
  assert(isRunning(Number(pid)));
  Deno.kill(Number(pid), "SIGKILL");
});

/** How much longer than it should a machine with other work takes, in milliseconds. */
const BUSY = 1_500;

function assertTook(time: number, least: number, most = least): void {
  assert(time >= least - 50 && time < most + BUSY, `it took ${time} ms`);
}

Deno.test({
  name: "a command that may not be signalled is left, with a warning and without a hang",
  // Deno.kill takes the whole permission to run, and so is refused as it is for another user.
  permissions: { run: ["/bin/sh"], read: true, write: true, env: true },
  // What is left is left: its pipes and its process are still there.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const hook = startHook("echo up; sleep 3", { clock: hastyClock });
    await hook.log.printed(/up/);
    hook.stop();
    assertEquals(await hook.result, { outcome: "cut-short" });
    const warning = hook.log.entries.find(({ message }) => message.includes("may not signal them"));
    assertEquals(warning?.level, "warn");
    assertEquals(lastOf(hook.log).fields.signal, undefined);
  },
});
