import { assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../../lib/host/clock.ts";
import { HOOK_EVENTS } from "../../../lib/hooks/hook.ts";
import { createHooks } from "../../../lib/hooks/runner.ts";
import {
  contextOf,
  isOutput,
  lastOf,
  NO_HOOKS,
  RecordedLog,
  runHook,
  startHook,
  TIMEOUT,
} from "./_hooks.ts";

Deno.test("an event for which nothing is set succeeds at once and logs nothing", async () => {
  for (const unset of [{}, { command: "" }, { command: undefined }]) {
    const log = new RecordedLog();
    const settings = { ...NO_HOOKS, "pre-register": { ...unset, timeout: 0 } };
    const hooks = createHooks(settings, { clock: systemClock, log, shell: true });
    const result = await hooks.run(contextOf("pre-register"), AbortSignal.abort());
    assertEquals([result, log.entries], [{ outcome: "succeeded" }, []]);
  }
});

Deno.test("each event runs its own command", async () => {
  const log = new RecordedLog();
  const settings = { ...NO_HOOKS };
  for (const event of HOOK_EVENTS) settings[event] = { command: `echo ${event}!`, timeout: 60_000 };
  const hooks = createHooks(settings, { clock: systemClock, log, shell: false });
  for (const event of HOOK_EVENTS) {
    await hooks.run(contextOf(event), new AbortController().signal);
  }
  assertEquals(log.output, HOOK_EVENTS.map((event) => `${event}!`));
});

Deno.test("a hook is logged at its start and at its end, its output in between", async () => {
  const { log } = await runHook("seq 3", { event: "pre-register" });
  const [first, ...others] = log.entries;
  const last = others.pop();
  assertEquals(first, {
    level: "info",
    message: "running hook",
    fields: { event: "pre-register", command: "seq 3", timeout: "1m0s" },
  });
  assertEquals(others.map(isOutput), [true, true, true]);
  assertMatch(String(last?.fields.took), /^[\d.]+m?s$/);
  assertEquals(last, {
    level: "info",
    message: "hook succeeded",
    fields: {
      event: "pre-register",
      command: "seq 3",
      took: last?.fields.took ?? "",
      exit_code: 0,
    },
  });
});

Deno.test("a failing hook is a warning with the exit code, the time and the output", async () => {
  const { log, last } = await runHook("echo no luck; exit 9");
  const { took, ...fields } = last.fields;
  assertEquals(typeof took, "string");
  assertEquals({ ...last, fields }, {
    level: "warn",
    message: "hook failed: exit code 9",
    fields: {
      event: "post-register",
      command: "echo no luck; exit 9",
      exit_code: 9,
      output: "no luck",
    },
  });
  assertEquals(log.entries.length, 3);
});

Deno.test("a hook whose time is up is a warning that names the flag to give it more", async () => {
  const hook = startHook("echo up; exec sleep 1000", { event: "pre-deregister" });
  await hook.log.printed(/up/);
  hook.expire();
  assertEquals(await hook.result, { outcome: "timed-out", after: TIMEOUT });
  const { level, message, fields } = lastOf(hook.log);
  assertEquals(level, "warn");
  assertMatch(message, /timed out.*-pre-deregister-timeout/);
  assertEquals(fields.output, "up");
});

Deno.test("a hook that a stop ends is a warning that says so", async () => {
  const hook = startHook("echo up; exec sleep 1000");
  await hook.log.printed(/up/);
  hook.stop();
  assertEquals(await hook.result, { outcome: "cut-short" });
  const { level, message } = lastOf(hook.log);
  assertEquals(level, "warn");
  assertMatch(message, /by a stop request/);
});

Deno.test("a hook is told by what came first: its time was up before the stop", async () => {
  const hook = startHook("trap '' TERM; echo up; exec sleep 1000");
  await hook.log.printed(/up/);
  hook.expire();
  hook.stop();
  assertEquals((await hook.result).outcome, "timed-out");
});

Deno.test("a hook is told by what came first: the stop came before its time was up", async () => {
  const hook = startHook("trap '' TERM; echo up; exec sleep 1000");
  await hook.log.printed(/up/);
  hook.stop();
  hook.expire();
  assertEquals((await hook.result).outcome, "cut-short");
});

Deno.test("a stop by a signal with a timeout of its own is a stop", async () => {
  const stop = new AbortController();
  const hook = startHook("echo up; exec sleep 1000", { stop });
  await hook.log.printed(/up/);
  stop.abort(new DOMException("the time is up", "TimeoutError"));
  assertEquals(await hook.result, { outcome: "cut-short" });
});

Deno.test("a hook does not start after a stop was requested", async () => {
  const stop = new AbortController();
  stop.abort(new Error("a stop was requested"));
  const { outcome: result, last } = await runHook("exec sleep 1000", { stop });
  assertEquals(result, { outcome: "cut-short" });
  // A command that ran would have been ended by a signal.
  assertEquals(last.fields.signal, undefined);
});

Deno.test("a hook with no time at all does not start", async () => {
  const { outcome: result, last } = await runHook("exec sleep 1000", { timeout: 0 });
  assertEquals(result, { outcome: "timed-out", after: 0 });
  assertEquals(last.fields.signal, undefined);
});

Deno.test("an error inside a hook is its failure, not its caller's", async () => {
  const clock = {
    ...systemClock,
    random: () => {
      throw new Error("no chance");
    },
  };
  // Nobody listens there any more, so that the webhook draws a pause.
  const listener = Deno.listen({ port: 0 });
  const { port } = listener.addr;
  listener.close();
  const settings = {
    ...NO_HOOKS,
    "pre-register": { url: `http://127.0.0.1:${port}/`, timeout: TIMEOUT },
  };
  const hooks = createHooks(settings, { clock, log: new RecordedLog(), shell: true });
  const result = await hooks.run(contextOf("pre-register"), new AbortController().signal);
  assertEquals(result, { outcome: "failed", reason: "unexpected error: Error: no chance" });
});
