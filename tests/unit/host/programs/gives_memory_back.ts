/** Prints how many bytes of V8's heap are given back after something large is not used any more. */
import { giveMemoryBack } from "../../../../lib/host/memory.ts";

function fill(): number {
  const much = Array.from({ length: 200_000 }, (_, at) => ({ at }));
  return much.length;
}

fill();
const before = Deno.memoryUsage().heapTotal;
giveMemoryBack();
console.log(before - Deno.memoryUsage().heapTotal);
