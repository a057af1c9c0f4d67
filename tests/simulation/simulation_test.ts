import { assert, assertEquals } from "@std/assert";
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

Deno.test("a seed is the same schedule each time, and so are its decisions", async () => {
  const { taken, lines } = await play(Tape.of(11), true);
  assert(lines.length > 1);
  for (const tape of [Tape.of(11), Tape.replay(taken)]) {
    assertEquals((await play(tape, true)).lines, lines);
  }
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
