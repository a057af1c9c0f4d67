import { assertEquals, assertNotEquals } from "@std/assert";
import { BREAKAGES } from "../../rollout/broken.ts";

for (const { name, file, find, put } of BREAKAGES) {
  Deno.test(`a sidecar can be broken so that it ${name}: ${file} has the place, once`, () => {
    const source = Deno.readTextFileSync(file);
    assertEquals(source.split(find).length, 2);
    assertNotEquals(put, find);
  });
}
