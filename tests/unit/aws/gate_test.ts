import { assertEquals, assertRejects } from "@std/assert";
import { Gate } from "../../../lib/aws/gate.ts";

const never = new AbortController().signal;

/** Lets all that can happen happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a gate lets in as many as it has places, and the next in order as they leave", async () => {
  const gate = new Gate(2);
  const inside: number[] = [];
  const visits = [0, 1, 2, 3].map(async (visitor) => {
    const place = await gate.enter(never);
    inside.push(visitor);
    return place;
  });
  await settled();
  assertEquals(inside, [0, 1]);
  (await visits[1])?.[Symbol.dispose]();
  await settled();
  assertEquals(inside, [0, 1, 2]);
  (await visits[0])?.[Symbol.dispose]();
  (await visits[2])?.[Symbol.dispose]();
  await settled();
  assertEquals(inside, [0, 1, 2, 3]);
});

Deno.test("one who gives up waiting takes nobody's turn", async () => {
  const gate = new Gate(1);
  const first = await gate.enter(never);
  const impatient = new AbortController();
  const second = gate.enter(impatient.signal);
  const third = gate.enter(never);
  impatient.abort(new Error("enough"));
  await assertRejects(() => second, Error, "enough");
  first[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  (await gate.enter(never))[Symbol.dispose]();
});

Deno.test("a turn that comes at the moment of giving up goes to the next", async () => {
  const gate = new Gate(1);
  const first = await gate.enter(never);
  const impatient = new AbortController();
  const second = gate.enter(impatient.signal);
  const third = gate.enter(never);
  await settled();
  impatient.abort(new Error("enough"));
  first[Symbol.dispose]();
  await second.then((place) => place[Symbol.dispose](), () => {});
  (await third)[Symbol.dispose]();
});
