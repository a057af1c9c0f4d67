/**
 * Gives every test a time limit: what hangs fails the run of its file, and does not stall all.
 * `deno task test` loads this before each file.
 */
import { timeLimit } from "./test.ts";

Deno.test.beforeEach(timeLimit.begin);
Deno.test.afterEach(timeLimit.end);
