/**
 * Users in a process of their own, so that nothing else holds them up. The first argument is the
 * load as JSON. It prints a JSON line for each failure, for the report four times a second, and,
 * when its standard input ends, for the last one.
 */
import { Load } from "../../cluster/load.ts";
import type { UsersLine } from "../users.ts";

const startedAt = Date.now();
const print = (line: UsersLine) => console.log(JSON.stringify(line));
const report = (isLast: boolean) => {
  const { tallies, withheld } = load.report;
  print({ kind: "report", isLast, tallies, withheld });
};

const load = new Load(JSON.parse(Deno.args[0] ?? ""), (failure) => {
  print({ kind: "failure", failure: { ...failure, date: startedAt + failure.at } });
});
const timer = setInterval(() => report(false), 250);
for await (const _ of Deno.stdin.readable);
clearInterval(timer);
await load.stop();
report(true);
