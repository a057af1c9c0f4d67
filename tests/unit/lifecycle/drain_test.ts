/** The drain of `-wait-drained`, after a stop at one minute. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ApiErrorDetails } from "../../../lib/aws/errors.ts";
import { Life, MINUTE, SECOND, secondOf } from "./_lifecycle.ts";

/** What is given, and what is seen. Times in seconds from the stop. */
interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** The group's deregistration delay, where it is not five minutes. */
  readonly delay?: number;
  readonly mayReadDelay?: false;
  /** @default {"TCP"} */
  readonly protocol?: string;
  readonly secondStop?: number;
  /** How many clients are connected; left out: that cannot be seen. */
  readonly connections?: (seconds: number) => number;
  /** How long it takes, from and to. */
  readonly lasts: readonly [from: number, to: number];
  /** The calls from DeregisterTargets on. */
  readonly calls?: string;
  readonly logs?: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    name: "without -wait-drained, the lifecycle ends as soon as the target is deregistered",
    ...{ args: [], lasts: [0, 0], calls: "deregister" },
  },
  {
    name: "-wait-drained waits for the deregistration delay, and polls when it is over",
    ...{ args: ["-wait-drained"], lasts: [301, 301], calls: "deregister delay poll" },
  },
  {
    name: "-wait-drained waits for -min-drain-time where the delay is shorter",
    ...{ args: ["-wait-drained", "-min-drain-time=90s"], delay: 0, lasts: [90, 90] },
  },
  {
    name: "-wait-drained polls the state where the delay may not be read",
    ...{ args: ["-wait-drained", "-min-drain-time=1m"], delay: 100, mayReadDelay: false },
    ...{ lasts: [100, 115], calls: "deregister delay poll poll poll poll poll" },
  },
  {
    name: "a drain ends at -wait-drained-timeout, with a warning and exit code 0",
    args: ["-wait-drained", "-min-drain-time=1m", "-wait-drained-timeout=2m"],
    ...{ lasts: [120, 120], logs: [/deregistered, but not drained after 2m0s/] },
  },
  {
    name: "a second stop signal ends the wait, not the deregistration",
    ...{ args: ["-wait-drained"], secondStop: 60, lasts: [60, 60] },
  },
  {
    name: "-grace-period ends a drain before the pod's end, and says that it did",
    args: ["-wait-drained", "-min-drain-time=10s", "-grace-period=40s"],
    lasts: [35, 35],
    logs: [
      /the wait for the drain ends before .*"needed":"5m0s"/,
      /shortened a step to fit into -grace-period .*"step":"6m0s","left":"34.99s"/,
    ],
  },
  ...["UDP", "TCP_UDP", "QUIC"].map((protocol): Case => ({
    name: `-wait-idle leaves it to the API where a group serves ${protocol}, and says so`,
    args: ["-wait-drained", "-wait-idle", "-quic-server-id=0x0123456789abcdef"],
    ...{ connections: () => 0, protocol },
    ...{ lasts: [301, 301], calls: "deregister delay poll" },
    logs: [new RegExp(`warn -wait-idle counts TCP connections only, and kafka serves ${protocol}`)],
  })),
  {
    // The one poll is for what other clients did meanwhile.
    name: "-wait-idle ends a drain when nobody is connected, long before the delay",
    args: ["-wait-drained", "-wait-idle", "-min-drain-time=30s", "-idle-time=5s"],
    connections: (seconds) => seconds < 100 ? 3 : 0,
    ...{ lasts: [105, 105], calls: "deregister poll" },
    logs: [/3 connections left, \S+ of at least 30s/],
  },
  {
    name: "-wait-idle waits for -min-drain-time where nobody is connected at all",
    args: ["-wait-drained", "-wait-idle", "-min-drain-time=30s"],
    ...{ connections: () => 0, lasts: [30, 30] },
  },
  {
    name: "-wait-idle begins to count anew when a client connects",
    args: ["-wait-drained", "-wait-idle", "-min-drain-time=0", "-idle-time=10s"],
    // One second in eight: never idle for ten. The last comes at 56, and three pauses are 24.
    connections: (seconds) => seconds < 60 && Math.floor(seconds) % 8 === 0 ? 1 : 0,
    lasts: [80, 81],
  },
  {
    name: "-wait-idle waits for a client until -wait-drained-timeout",
    args: ["-wait-drained", "-wait-idle", "-wait-drained-timeout=10m"],
    ...{ connections: () => 1, lasts: [600, 600] },
    logs: [/not drained after 10m0s: 1 connection left/],
  },
  {
    name: "-wait-idle polls the API where the connections cannot be seen",
    ...{ args: ["-wait-drained", "-wait-idle"], lasts: [301, 301] },
    calls: "deregister delay poll",
  },
];

const DENIED = { code: "AccessDenied", retryable: false } satisfies Partial<ApiErrorDetails>;

for (const one of CASES) {
  Deno.test(one.name, async () => {
    const { args, delay = 300, mayReadDelay, secondStop, connections, lasts: [from, to] } = one;
    const seconds = () => (life.clock.now() - MINUTE) / SECOND;
    const count = connections && (() => connections(seconds()));
    const life: Life = new Life({ args, ...(count !== undefined && { connections: count }) });
    life.stopAt(MINUTE, secondStop === undefined ? undefined : MINUTE + secondStop * SECOND);
    life.elb.delay = delay * SECOND;
    life.elb.settings = { protocol: one.protocol ?? "TCP" };
    life.elb.failing = (call) =>
      call === "DescribeTargetGroupAttributes" && mayReadDelay === false ? DENIED : undefined;
    assertEquals((await life.run()).exit, "done");
    const took = Math.round(seconds());
    assert(took >= from && took <= to, `${took} s`);
    if (one.calls !== undefined) {
      assertEquals(life.elb.order, `find register poll ${one.calls}`);
    }
    for (const logs of one.logs ?? []) assertMatch(life.log.text, logs);
    assertEquals(life.hooks.at(-1), secondStop ? "pre-deregister" : "post-deregister");
    assertEquals(life.elb.states.get("kafka") !== "healthy", true);
  });
}

Deno.test("a failed registration is rolled back without a wait for a drain", async () => {
  const life = new Life({ args: ["-wait-drained"], groups: ["kafka", "edge"] });
  life.elb.failing = (call, group) =>
    call === "RegisterTargets" && group === "edge" ? DENIED : undefined;
  assertEquals((await life.run()).exit, "notRegistered");
  assertEquals(secondOf(life.clock.now()), 0);
  assertEquals(life.elb.states.get("kafka"), "draining");
});

/** Seconds. */
const HEALTHY = 90;
const STOP = 200;

Deno.test("the rate of checks from before the service holds no drain up; clients do", async () => {
  for (const [lastClient, from, to] of [[0, 30, 31], [100, 110, 131]] as const) {
    const args = ["-wait-drained", "-wait-idle", "-min-drain-time=30s", "-idle-time=10s"];
    const count = () => {
      const seconds = life.clock.now() / SECOND;
      // A check every two seconds, and ten clients a second from the time that it is healthy on.
      const served = Math.max(0, Math.min(seconds, STOP + lastClient) - HEALTHY);
      return { open: 0, seen: 0, accepted: Math.floor(seconds / 2) + Math.floor(10 * served) };
    };
    const life: Life = new Life({ args, count }).stopAt(STOP * SECOND);
    life.elb.lie = () =>
      life.clock.now() < HEALTHY * SECOND
        ? { target: { id: "10.0.0.1" }, state: "initial" }
        : undefined;
    assertEquals((await life.run()).exit, "done");
    const took = life.clock.now() / SECOND - STOP;
    assert(took >= from && took <= to, `${took} s, with clients for ${lastClient} s`);
  }
});

/** What is given, when clients drain, and what is counted after a stop at one minute. */
const COUNTED: readonly (readonly [readonly string[], readonly number[], string])[] = [
  [["-wait-drained"], [], "drained"],
  [["-wait-drained", "-wait-drained-timeout=2m1s"], [], "timed-out"],
  [[], [], "none"],
  [[], [30 * SECOND], "drained"],
  [[], [30 * SECOND, 45 * SECOND], "drained"],
  [["-min-drain-time=10s", "-wait-drained-timeout=20s"], [30 * SECOND], "timed-out"],
];

for (const [args, drains, counted] of COUNTED) {
  const what = [...args, ...drains.map((at) => `/drain at ${at / SECOND} s`)].join(", ");
  Deno.test(`a stop counts as ${counted}, with ${what || "nothing"}`, async () => {
    const life = new Life({ args }).stopAt(MINUTE);
    for (const at of drains) void life.drainAt(at);
    await life.run();
    assertEquals(life.drainEnds, [counted]);
  });
}

Deno.test("a drain that a second stop ends, and one that is not confirmed, count as such", async () => {
  const forced = new Life({ args: ["-wait-drained"] }).stopAt(MINUTE, 2 * MINUTE);
  await forced.run();
  const denied = new Life({ args: ["-wait-drained"] }).stopAt(MINUTE);
  denied.elb.failing = (call) => call === "DeregisterTargets" ? DENIED : undefined;
  await denied.run();
  assertEquals([forced.drainEnds, denied.drainEnds], [["cut-short"], ["unconfirmed"]]);
});

Deno.test("a stop without a drain is warned of where a hook may be expected to call /drain", async () => {
  const listen = "-listen=:8081";
  const cases = [
    { args: [], warns: false },
    { args: [listen], warns: true },
    { args: [listen, "-wait-drained"], warns: false },
    { args: [listen], drainAt: MINUTE - 30 * SECOND, warns: false },
    // The hook and the stop signal come together.
    { args: [listen], drainAt: MINUTE + 5, warns: false },
    { args: [listen], fails: true, warns: false },
  ];
  for (const { args, drainAt, fails, warns } of cases) {
    const life = new Life({ args: ["-min-drain-time=1s", ...args] }).stopAt(MINUTE);
    if (drainAt !== undefined) void life.drainAt(drainAt);
    life.elb.failing = (call) => fails && call === "RegisterTargets" ? DENIED : undefined;
    await life.run();
    assertEquals(life.log.text.includes("deregistered without a drain"), warns, args.join(" "));
  }
});
