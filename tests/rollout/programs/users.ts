/**
 * Users in a process of their own, so that nothing else holds them up. The first argument is the
 * load as JSON. It prints a JSON line for each failure and each tally, and, when its standard input
 * ends, one with the whole report.
 */
import { Load } from "../../cluster/load.ts";
import type { UsersLine } from "../users.ts";

const load = new Load(JSON.parse(Deno.args[0] ?? ""));
const startedAt = Date.now();
const tell = (line: UsersLine) => console.log(JSON.stringify(line));

load.listen((failure) => tell({ kind: "failure", failure, startedAt }));
const timer = setInterval(() => tell({ kind: "tallies", tallies: load.report.tallies }), 250);
for await (const _ of Deno.stdin.readable);
clearInterval(timer);
tell({ kind: "report", report: await load.stop() });
