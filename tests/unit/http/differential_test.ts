import { assert } from "@std/assert";
import { test } from "../../test.ts";
import { compare } from "./differential.ts";

test(
  "of 4,000 byte streams, no request is accepted that node:http reads in another way",
  async () => {
    const { agreed, refused, refusedByNode } = await compare(4_000, 20_261_126);
    // Neither side may pass by refusing, or accepting, everything.
    assert(agreed > 2_000 && refused > 1_000 && refusedByNode > 1_000, `${agreed} ${refused}`);
  },
  { limit: 30_000 },
);
