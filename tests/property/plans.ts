/** Times that are drawn: back-off, limits, the plan of questions; and log lines. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ApiError } from "../../lib/aws/errors.ts";
import { attemptTime, backOff } from "../../lib/aws/retry.ts";
import { createLog } from "../../lib/host/log.ts";
import { nextQuestionIn, sighting } from "../../lib/registration/poll_schedule.ts";
import { anyText, type Property, property } from "./property.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

export const PLANS: readonly Property[] = [
  property(
    "a pause between attempts leaves time for another attempt",
    4,
    fc.record({
      code: fc.constantFrom("Throttling", "InternalFailure"),
      retryAfter: fc.option(fc.nat(1e9)),
      failedBefore: fc.nat(2_000),
      left: fc.double({ min: 0, max: 1e7, noNaN: true }),
      chance,
    }),
    ({ code, retryAfter, failedBefore, left, chance }) => {
      const fault = new ApiError("any", {
        call: "RegisterTargets",
        code,
        retryable: true,
        effect: "none",
        ...(retryAfter !== null && { retryAfter }),
      });
      const clock = {
        now: () => 0,
        random: () => chance,
        within: () => new AbortController().signal,
      };
      const pause = backOff(fault, { failedBefore, left }, clock);
      assert(pause >= 0 && pause <= Math.max(1_000, left / 2), `${pause} of ${left}`);
    },
  ),
  property(
    "three attempts fit into any step",
    2,
    fc.double({ min: 1, max: 1e9, noNaN: true }),
    (step) => assert(attemptTime(step) * 3 <= step + 1e-6 && attemptTime(step) > 0),
  ),
  property(
    "a question comes neither at once nor later than the plan's longest pause",
    2,
    fc.tuple(fc.integer({ min: 5, max: 300 }), fc.nat(1e7), fc.nat(1e7), chance),
    ([intervalSeconds, now, since, chance]) => {
      const healthCheck = {
        enabled: true,
        intervalSeconds,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      };
      const health = { target: { id: "10.0.0.1" }, state: "unhealthy" };
      const known = since > now ? undefined : sighting(undefined, health, since);
      const pause = nextQuestionIn(healthCheck, now, known, chance);
      assert(pause >= 500 && pause <= 75_000, String(pause));
    },
  ),
  property(
    "any message and fields are one line of the log; as JSON they are read back",
    2,
    fc.tuple(anyText, fc.dictionary(fc.constantFrom("one", "two", "three"), anyText)),
    ([message, fields]) => {
      const lines: string[] = [];
      const write = (line: string) => void lines.push(line);
      createLog({ format: "text", level: "info", write }).info(message, fields);
      createLog({ format: "json", level: "info", write }).info(message, fields);
      assertEquals(lines.length, 2);
      for (const line of lines) assert(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line), line);
      const { time: _, level: __, message: read, ...rest } = JSON.parse(lines[1] ?? "");
      assertEquals([read, rest], [message, { ...fields }]);
    },
  ),
];
