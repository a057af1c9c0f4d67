import { assertEquals, assertThrows } from "@std/assert";
import { FAULT_NAMES, parseFaultRule } from "../../emulator/fault_rules.ts";
import { startEmulator } from "../../emulator/server.ts";

Deno.test("a rule is read from JSON as it is written", () => {
  const rule = {
    action: ["RegisterTargets", "DeregisterTargets"],
    occurrence: { probability: 0.2, seed: 7 },
    what: "throttle",
    retryAfter: 2,
    code: "Throttling",
  };
  assertEquals<unknown>(parseFaultRule(JSON.stringify(rule)), rule);
});

Deno.test("every fault is known by its name alone, but for those that need a parameter", () => {
  const needs: Record<string, object> = {
    "apply-late": { time: 1 },
    "clock-skew": { seconds: -3 },
    "redirect": { to: "http://other.example/" },
  };
  for (const what of FAULT_NAMES) parseFaultRule(JSON.stringify({ what, ...needs[what] }));
});

const BAD: readonly [text: string, words: string][] = [
  ["{", "it is not JSON"],
  ["[]", "it is not an object"],
  ["{}", "what undefined is none of throttle, "],
  ['{"what":"toString"}', 'what "toString" is none of'],
  ['{"what":"throttle","action":"Sing"}', 'action "Sing" is none of DescribeTargetGroups, '],
  ['{"what":"throttle","occurrence":0}', "occurrence is not"],
  ['{"what":"throttle","occurrence":"last"}', "occurrence is not"],
  ['{"what":"throttle","occurrence":{"from":1,"to":2}}', "occurrence is not"],
  ['{"what":"throttle","occurrence":{"probability":2}}', "occurrence is not"],
  ['{"what":"throttle","code":"Busy"}', "code is not one of ThrottlingException, "],
  ['{"what":"throttle","retryAfter":"1"}', "retryAfter is not a whole number"],
  ['{"what":"reset","time":1}', "reset has no time"],
  ['{"what":"reset","applied":1}', "applied is not true or false"],
  ['{"what":"apply-late"}', "apply-late needs time"],
  ['{"what":"clock-skew"}', "clock-skew needs seconds"],
  ['{"what":"redirect"}', "redirect needs to"],
  ['{"what":"redirect","to":"there"}', "to is not a URL"],
  ['{"what":"gzip-bomb","bytes":0}', "bytes is not a whole number of bytes from 1"],
  ['{"what":"revoke-key","code":"Busy"}', "code is not one of InvalidClientTokenId, "],
  ['{"what":"delay","before":-1}', "before is not a number of milliseconds"],
];

for (const [text, words] of BAD) {
  Deno.test(`the rule ${text} is refused: ${words}`, () => {
    assertThrows(() => parseFaultRule(text), RangeError, words);
  });
}

Deno.test("all that is wrong with a rule is said at once", () => {
  assertThrows(
    () => parseFaultRule('{"what":"reset","action":"Sing","occurrence":0,"time":1}'),
    RangeError,
    'action "Sing" is none of',
  );
  const error = assertThrows(
    () => parseFaultRule('{"what":"reset","action":"Sing","occurrence":0,"time":1}'),
    RangeError,
  );
  assertEquals(error.message.split("; ").length, 3);
});

Deno.test("an emulator does not start with a bad rule", async () => {
  const rule = { what: "clock-skew", seconds: 0.5 } as const;
  const error = await startEmulator({ faults: [rule] }).catch((reason: unknown) => reason);
  assertEquals(error instanceof RangeError, true);
});
