import { assert } from "@std/assert";
import { test } from "../../test.ts";
import { assertBearable, experience } from "./connections.ts";

test("hostile clients of each kind keep no probe and no drain waiting for a second", async () => {
  const result = await experience({ each: 100, time: 5_000 });
  assert(result.connections === 600 && result.probes >= 2, JSON.stringify(result));
  assertBearable(result);
  console.log(result);
}, { limit: 30_000, sanitize: false });
