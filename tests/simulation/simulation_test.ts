import { assert, assertEquals } from "@std/assert";
import { coverage } from "./reachable.ts";
import { play, type Verdict } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { Tape } from "./tape.ts";

/** A small share; `deno task simulate` plays as many as one likes. */
const SCHEDULES = 300;

Deno.test("whatever happens in 300 random schedules, all promises are kept", async () => {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { violations } = await play(Tape.of(seed));
    assertEquals(violations, [], `deno task simulate --seed ${seed}`);
  }
});

Deno.test("a seed is the same schedule each time", async () => {
  for (const seed of [7, 8, 9]) {
    const [one, other] = [await play(Tape.of(seed), true), await play(Tape.of(seed), true)];
    assert(one.lines.length > 1);
    assertEquals(one.lines, other.lines);
  }
});

Deno.test("the decisions of a schedule are the schedule", async () => {
  const { taken, lines } = await play(Tape.of(11), true);
  assertEquals((await play(Tape.replay(taken), true)).lines, lines);
});

Deno.test("with harmless decisions alone, a life goes well from its start to its stop", async () => {
  const { violations, exit, lines } = await play(Tape.replay([]), true);
  assertEquals(violations, []);
  assertEquals(exit, "done", lines.join("\n"));
});

Deno.test("a schedule that fails is cut down, and fails in the same way still", async () => {
  const fails = (verdict: Verdict) => verdict.lines.some((line) => line.includes("given-up"));
  const failing = await firstThat(fails);
  const smallest = await shrink(failing, fails);
  assert(fails(smallest));
  assert(smallest.taken.filter((number) => number > 0).length < 8, smallest.lines.join("\n"));
});

async function firstThat(fits: (verdict: Verdict) => boolean): Promise<Verdict> {
  for (let seed = 1;; seed++) {
    const verdict = await play(Tape.of(seed), true);
    if (fits(verdict)) return verdict;
  }
}

Deno.test("what could be hit and was not is told, and what should not be as well", () => {
  const { missed, unexpected } = coverage(new Map([["drained|throttled", 1]]));
  assert(missed.includes("serving|stop signal"));
  assertEquals(unexpected, ["drained|throttled"]);
});
