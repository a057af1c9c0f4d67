import { assert, assertEquals, assertThrows } from "@std/assert";
import { Addresses } from "../../cluster/addresses.ts";
import { scaleDurations } from "../../cluster/durations.ts";
import { Time } from "../../cluster/time.ts";

Deno.test("all times of Kubernetes are divided by timeScale", () => {
  const time = new Time(20);
  assertEquals([time.scaled(30), time.scaled(0.5)], [1_500, 25]);
  for (const scale of [0, -1, NaN]) assertThrows(() => new Time(scale), RangeError, "timeScale");
});

Deno.test("scaleDurations() divides each Go duration of a flag and nothing else", () => {
  const args = [
    "-wait-for-timeout=5m0s",
    "--min-drain-time",
    "2m",
    "-watch-interval=0s",
    "-wait-idle=true",
    "-target-group-name=kafka:9092",
    "-pre-register-command=sleep 5s",
    "-listen",
    ":8081",
    "-idle-time=50ms",
    "5s",
  ];
  assertEquals(scaleDurations(args, 20), [
    "-wait-for-timeout=15s",
    "--min-drain-time",
    "6s",
    "-watch-interval=0s",
    "-wait-idle=true",
    "-target-group-name=kafka:9092",
    "-pre-register-command=sleep 5s",
    "-listen",
    ":8081",
    "-idle-time=2.5ms",
    "5s",
  ]);
});

Deno.test("pods and nodes have addresses of their own, of a block that no other cluster has", () => {
  using one = Addresses.claim(2);
  using other = Addresses.claim(2);
  const taken = [one.take(), one.take(), one.node(), one.node(), other.take(), other.node()];
  assertEquals(new Set(taken).size, taken.length);
  assert(taken.every((address) => /^127\.\d+\.\d+\.\d+$/.test(address)));
  assertThrows(() => one.take(), Error, "all addresses for pods are taken");
  assertThrows(() => Addresses.claim(201), RangeError, "1 to 200");
});
