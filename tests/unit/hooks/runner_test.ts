import { assert, assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../../lib/host/clock.ts";
import { HOOK_EVENTS, type HookOutcome } from "../../../lib/hooks/hook.ts";
import { createHooks } from "../../../lib/hooks/runner.ts";
import { deadPort } from "../application/_servers.ts";
import { contextOf, HookLog, lastOf, NO_HOOKS, runHook, startHook, TIMEOUT } from "./_hooks.ts";

Deno.test("an event for which nothing is set succeeds at once and logs nothing", async () => {
  for (const unset of [{}, { command: undefined, url: undefined }]) {
    const log = new HookLog();
    const settings = { ...NO_HOOKS, "pre-register": { ...unset, timeout: 0 } };
    const hooks = createHooks(settings, { clock: systemClock, log, shell: true });
    const outcome = await hooks.run(contextOf("pre-register"), AbortSignal.abort());
    assertEquals([outcome, log.entries], [{ outcome: "succeeded" }, []]);
  }
});

Deno.test("each event runs its own command", async () => {
  const log = new HookLog();
  const settings = { ...NO_HOOKS };
  for (const event of HOOK_EVENTS) settings[event] = { command: `echo ${event}!`, timeout: 60_000 };
  const hooks = createHooks(settings, { clock: systemClock, log, shell: false });
  for (const event of HOOK_EVENTS) {
    await hooks.run(contextOf(event), new AbortController().signal);
  }
  assertEquals(log.output, HOOK_EVENTS.map((event) => `${event}!`));
});

Deno.test("a hook is logged at its start and at its end, its output in between", async () => {
  const succeeded = await runHook("seq 3", { event: "pre-register" });
  const failed = await runHook("echo no luck; exit 9");
  const about = { event: "pre-register", command: "seq 3" };
  assertEquals(succeeded.log.entries[0], {
    level: "info",
    message: "running hook",
    fields: { ...about, timeout: "1m0s" },
  });
  assertEquals([succeeded.log.output, failed.log.output], [["1", "2", "3"], ["no luck"]]);
  for (const { took } of [succeeded.last.fields, failed.last.fields]) {
    assertMatch(String(took), /^[\d.]+(m|\u00b5)?s$/);
  }
  assertEquals({ ...succeeded.last, fields: { ...succeeded.last.fields, took: "" } }, {
    level: "info",
    message: "hook succeeded",
    fields: { ...about, took: "", exit_code: 0 },
  });
  assertEquals({ ...failed.last, fields: { ...failed.last.fields, took: "" } }, {
    level: "warn",
    message: "hook failed: exit code 9",
    fields: {
      event: "post-register",
      command: "echo no luck; exit 9",
      took: "",
      exit_code: 9,
      output: "no luck",
    },
  });
});

Deno.test("a hook's last line says how long it took", async () => {
  let now = 1_000_000;
  // Two seconds pass at each look.
  const clock = { ...systemClock, now: () => now += 2_000 };
  for (const command of ["true", "false"]) {
    const { log, last } = await runHook(command, { clock });
    assertEquals(log.entries.length, 2);
    const looks = /^(\d+)s$/.exec(String(last.fields.took))?.[1];
    assert(Number(looks) >= 2 && Number(looks) < 60, `${last.fields.took}`);
  }
});

/** What ends a hook, in order; how that counts, and what is logged. */
const ENDS: readonly [how: readonly ("expire" | "stop")[], outcome: string, message: RegExp][] = [
  [["expire"], "timed-out", /^hook timed out and was killed: raise -pre-deregister-timeout/],
  [["stop"], "cut-short", /^hook was killed by a stop request$/],
  [["expire", "stop"], "timed-out", /timed out/],
  [["stop", "expire"], "cut-short", /stop request/],
];

for (const [how, outcome, message] of ENDS) {
  Deno.test(`a hook that is ended by ${how.join(", then ")} is ${outcome}`, async () => {
    const command = "trap '' TERM; echo up; exec sleep 1000";
    const hook = startHook(command, { event: "pre-deregister" });
    await hook.log.printed(/up/);
    for (const end of how) hook[end]();
    const end = await hook.result;
    assertEquals(end.outcome, outcome);
    const last = lastOf(hook.log);
    assertEquals([last.level, last.fields.output], ["warn", "up"]);
    assertMatch(last.message, message);
  });
}

Deno.test("a stop by a signal with a timeout of its own is a stop", async () => {
  const stop = new AbortController();
  const hook = startHook("echo up; exec sleep 1000", { stop });
  await hook.log.printed(/up/);
  stop.abort(new DOMException("the time is up", "TimeoutError"));
  assertEquals(await hook.result, { outcome: "cut-short" });
});

Deno.test("a hook does not start after a stop, or with no time at all", async () => {
  const stop = new AbortController();
  stop.abort(new Error("a stop was requested"));
  const stopped = await runHook("exec sleep 1000", { stop });
  const untimed = await runHook("exec sleep 1000", { timeout: 0 });
  assertEquals(stopped.outcome, { outcome: "cut-short" });
  assertEquals(untimed.outcome, { outcome: "timed-out" });
  // A command that ran would have been ended by a signal.
  for (const { last } of [stopped, untimed]) assertEquals(last.fields.signal, undefined);
});

Deno.test("an error inside a hook is its failure, not its caller's", async () => {
  const random = () => {
    throw new Error("no chance");
  };
  // Nothing listens there, so that the webhook draws a delay.
  const url = `http://127.0.0.1:${deadPort()}/`;
  const settings = { ...NO_HOOKS, "pre-register": { url, timeout: TIMEOUT } };
  const log = new HookLog();
  const counted: string[] = [];
  const onEnd = (event: string, { outcome }: HookOutcome) => counted.push(`${event} ${outcome}`);
  const clock = { ...systemClock, random };
  const hooks = createHooks(settings, { clock, log, shell: true, onEnd });
  // Where nothing is set, nothing is counted.
  await hooks.run(contextOf("post-register"), new AbortController().signal);
  const outcome = await hooks.run(contextOf("pre-register"), new AbortController().signal);
  assertEquals(outcome, { outcome: "failed", reason: "unexpected error: Error: no chance" });
  assertEquals(counted, ["pre-register failed"]);
});
