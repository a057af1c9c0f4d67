import { assertEquals } from "@std/assert";
import { isTimeout, sleep, systemClock } from "../../../lib/host/clock.ts";

/** Longer than any wait of the program; a wait that is lost never ends. */
const PATIENCE_MS = 20_000;

Deno.test("a wait ends although the garbage collector runs", async () => {
  const program = new URL("programs/collected.ts", import.meta.url).pathname;
  const mapped = import.meta.resolve("@std/assert").startsWith("file:");
  const map = new URL("../../../tools/std/import_map.json", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check", "--v8-flags=--expose-gc"],
      ...(mapped ? [`--import-map=${map}`] : []),
      program,
    ],
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "ended\n");
});

Deno.test("within() ends with the first of its signals, and with its reason", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const signal = systemClock.within(1, one.signal, other.signal);
  other.abort("the other");
  one.abort("the one");
  assertEquals(signal.reason, "the other");
  assertEquals(systemClock.within(1, one.signal).reason, "the one");
});

Deno.test("within() ends with a TimeoutError when its time is up", async () => {
  const signal = systemClock.within(1, new AbortController().signal);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  assertEquals(isTimeout(signal.reason), true);
  for (const other of [AbortSignal.abort().reason, { name: "TimeoutError" }, new Error("x")]) {
    assertEquals(isTimeout(other), false, String(other));
  }
});

Deno.test("within() does not end early when its time is longer than a timer holds", async () => {
  const long = systemClock.within(2 ** 40);
  await sleep(systemClock.within(20));
  assertEquals(long.aborted, false);
});
