/**
 * What a sidecar calls and says, moment by moment, in lives that each meet some trouble: every
 * call, every hook, every log line but those for developers. After a change that is meant, make
 * `chronicles.txt` anew with `UPDATE=1 deno task test tests/unit/lifecycle/chronicle_test.ts`, and
 * read the difference as users will.
 */
import { assertEquals } from "@std/assert";
import type { ApiCall, ApiErrorDetails } from "../../../lib/aws/errors.ts";
import { sleep } from "../../../lib/host/clock.ts";
import type { Course } from "../fake_load_balancer.ts";
import { Life, type LifeOptions, MINUTE, SECOND } from "./_lifecycle.ts";

const FILE = new URL("chronicles.txt", import.meta.url);

const OK: Course = { appliedAfter: 10, answeredAfter: 10 };
const SILENT: Course = {};
const DENIED = failed("AccessDenied");
const THROTTLED = failed("Throttling", { retryable: true });
const BROKEN = failed("NoAnswer", { retryable: true, effect: "unknown" });

function failed(code: string, details: Partial<ApiErrorDetails> = {}): Course {
  return { answeredAfter: 10, error: { code, effect: "none", retryable: false, ...details } };
}

/** Calls of a kind go so between two moments. All times here are seconds from the start. */
function between(life: Life, from: number, to: number, call: ApiCall, course: Course): void {
  life.clock.at(from * SECOND, () => life.elb.courses[call] = [course]);
  life.clock.at(to * SECOND, () => delete life.elb.courses[call]);
}

/** Another client changes the state of the target. */
function changes(life: Life, state: "absent" | "healthy", ...moments: readonly number[]): void {
  for (const at of moments) life.clock.at(at * SECOND, () => life.elb.states.set("kafka", state));
}

/** The API tells of these states, each until a moment, and of the true one in the end. */
function reports(life: Life, ...states: readonly (readonly [until: number, string, string?])[]) {
  life.elb.lie = () => {
    const [, state, reason] = states.find(([until]) => life.clock.now() < until * SECOND) ?? [];
    if (state === undefined) return undefined;
    const target = { id: "10.0.0.1" };
    return { target, state, description: `so it is`, ...(reason !== undefined && { reason }) };
  };
}

type Begin = (options?: LifeOptions) => Life;

const DRAINS = ["-wait-drained", "-min-drain-time=40s"];

const CHRONICLES: Readonly<Record<string, (begin: Begin) => unknown>> = {
  "a stop waits for the drain": (begin) =>
    begin({ args: DRAINS }).stopAt(MINUTE).elb.delay = 70 * SECOND,
  "calls are throttled, break and are made again": (begin) => {
    begin().stopAt(3 * MINUTE).elb.courses = {
      DescribeTargetGroups: [BROKEN, THROTTLED, OK],
      RegisterTargets: [THROTTLED, BROKEN, OK],
      DescribeTargetHealth: [BROKEN, THROTTLED, THROTTLED, OK],
      DeregisterTargets: [THROTTLED, BROKEN, OK],
    };
  },
  "slowly healthy, by states that waiting does not change": (begin) =>
    reports(
      begin({ args: ["-wait-in-service-timeout=5m"] }).stopAt(6 * MINUTE),
      [10, "initial", "Elb.RegistrationInProgress"],
      [40, "unused", "Target.NotInUse"],
      [70, "unused", "Target.InvalidState"],
      [100, "unused", "Target.IpUnusable"],
      [130, "unavailable", "Target.HealthCheckDisabled"],
      [145, "unhealthy", "Target.Timeout"],
    ),
  "never healthy, which is required": (begin) =>
    reports(
      begin({ args: ["-require-in-service", "-wait-in-service-timeout=30s", ...DRAINS] }),
      [999, "unhealthy", "Target.Timeout"],
    ),
  "no poll is answered while it waits to be in service": (begin) =>
    between(
      begin({ args: ["-wait-in-service-timeout=20s"] }).stopAt(MINUTE),
      ...[5, 55] as const,
      ...["DescribeTargetHealth", BROKEN] as const,
    ),
  "a registration without an answer is taken back for certain": (begin) =>
    begin({ args: ["-register-timeout=20s"] }).elb.courses = { RegisterTargets: [SILENT] },
  "a registration that is applied long after it was given up": (begin) =>
    begin({ args: ["-register-timeout=20s"] }).elb.courses = {
      RegisterTargets: [SILENT, SILENT, { appliedAfter: 9_000 }],
    },
  "DeregisterTargets is denied for good": (begin) =>
    begin({ args: ["-deregister-timeout=30s", ...DRAINS] }).stopAt(MINUTE).elb.courses = {
      DeregisterTargets: [DENIED],
    },
  "DeregisterTargets is denied for a while": (begin) =>
    between(begin().stopAt(MINUTE), 59, 72, "DeregisterTargets", DENIED),
  "DeregisterTargets is lost, and polls are denied": (begin) => {
    const life = begin({ args: ["-deregister-timeout=40s"] }).stopAt(MINUTE);
    life.clock.at(50 * SECOND, () => {
      life.elb.courses = {
        DeregisterTargets: [SILENT, BROKEN, OK],
        DescribeTargetHealth: [DENIED],
      };
    });
  },
  "/register after a drain whose call may still be applied": (begin) => {
    const life = begin({ args: ["-deregister-timeout=2s", "-min-drain-time=0s"] });
    between(life, 59, 66, "DeregisterTargets", BROKEN);
    between(life, 59, 66, "DescribeTargetHealth", BROKEN);
    void life.drainAt(MINUTE);
    life.clock.at(67 * SECOND, () => life.view.register());
    life.stopAt(2 * MINUTE);
  },
  "a stop while /register waits for such a call": (begin) => {
    const life = begin({ args: ["-deregister-timeout=2s", "-min-drain-time=0s"] });
    between(life, 59, 66, "DeregisterTargets", BROKEN);
    between(life, 59, 66, "DescribeTargetHealth", BROKEN);
    void life.drainAt(MINUTE);
    life.clock.at(63 * SECOND, () => life.view.register());
    life.stopAt(64 * SECOND);
  },
  "/register after a drain, with a registration in flight": (begin) => {
    const life = begin({
      args: ["-deregister-timeout=5s", "-min-drain-time=0s", "-confirm-settle=2s"],
    });
    life.elb.courses = { RegisterTargets: [{ appliedAfter: 9_000, answeredAfter: 9_500 }, OK] };
    void life.drainAt(SECOND);
    life.clock.at(8 * SECOND, () => life.view.register());
    life.stopAt(2 * MINUTE);
  },
  "another client registers the target again and again while it drains": (begin) => {
    const life = begin({ args: DRAINS }).stopAt(MINUTE);
    life.elb.delay = 50 * SECOND;
    changes(life, "healthy", 80, 115, 180);
  },
  "one that does not give up": (begin) => {
    const life = begin({ args: [...DRAINS, "-wait-drained-timeout=4m"] }).stopAt(MINUTE);
    life.elb.delay = 50 * SECOND;
    life.clock.at(70 * SECOND, () => reports(life, [999, "healthy"]));
  },
  "a drain whose delay and polls are in trouble": (begin) => {
    const life = begin({ args: DRAINS }).stopAt(MINUTE);
    life.elb.courses = { DescribeTargetGroupAttributes: [DENIED] };
    life.elb.delay = 150 * SECOND;
    between(life, 61, 114, "DescribeTargetHealth", THROTTLED);
    between(life, 114, 140, "DescribeTargetHealth", BROKEN);
  },
  "a drain whose polls are denied": (begin) =>
    between(begin({ args: DRAINS }).stopAt(MINUTE), 61, 999, "DescribeTargetHealth", DENIED),
  "a drain that cannot end in time": (begin) =>
    begin({ args: [...DRAINS, "-wait-drained-timeout=1m"] }).stopAt(10 * MINUTE),
  "a client that comes while the last poll is slow": (begin) => {
    const args = [...DRAINS, "-wait-idle", "-idle-time=10s"];
    const connections = () => {
      const at = life.clock.now() / SECOND;
      return at > 103 && at < 105 ? 1 : 0;
    };
    const life: Life = begin({ args, connections }).stopAt(MINUTE);
    life.elb.takes = (call) => call === "DescribeTargetHealth" ? 8 * SECOND : 10;
  },
  "a drain that never ends": (begin) => {
    const args = [...DRAINS, "-wait-drained-timeout=3m", "-grace-period=2m"];
    const life = begin({ args }).stopAt(MINUTE);
    life.elb.delay = 70 * SECOND;
    life.clock.at(70 * SECOND, () => reports(life, [999, "draining"]));
  },
  "-wait-idle follows clients, and what another client does meanwhile": (begin) => {
    const clients = [[0, 3], [90, 1], [120, 0], [127, 2], [150, 0]] as const;
    const args = [...DRAINS, "-wait-idle", "-idle-time=10s"];
    const life: Life = begin({
      args,
      connections: () => clients.findLast(([at]) => at * SECOND <= life.clock.now())?.[1] ?? 0,
    }).stopAt(MINUTE);
    changes(life, "healthy", 155);
    between(life, 161, 184, "DescribeTargetHealth", THROTTLED);
  },
  "-watch-interval: away, refused, unhealthy, throttled, deleted": (begin) => {
    const life = begin({ args: ["-watch-interval=20s", "-register-timeout=6s"] });
    changes(life, "absent", 11, 100, 200);
    between(life, 190, 260, "RegisterTargets", DENIED);
    life.clock.at(400 * SECOND, () => reports(life, [450, "unhealthy", "Target.Timeout"]));
    between(life, 500, 560, "DescribeTargetHealth", THROTTLED);
    between(life, 900, 940, "DescribeTargetHealth", BROKEN);
    life.clock.at(1_100 * SECOND, () => life.elb.states.delete("kafka"));
    life.stopAt(20 * MINUTE);
  },
  "-listen alone: unhealthy, away, throttled, denied, deleted": (begin) => {
    const life = begin({ args: ["-listen=:0", "-wait-in-service=false"] }).stopAt(100 * MINUTE);
    life.clock.at(50 * SECOND, () => reports(life, [150, "unhealthy", "Target.Timeout"]));
    changes(life, "absent", 250);
    changes(life, "healthy", 350);
    between(life, 400, 560, "DescribeTargetHealth", THROTTLED);
    between(life, 1_200, 1_300, "DescribeTargetHealth", DENIED);
    life.clock.at(1_700 * SECOND, () => life.elb.states.delete("kafka"));
  },
  "-listen, never healthy while the sidecar waits, and throttled then": (begin) => {
    const life = begin({ args: ["-listen=:0", "-wait-in-service-timeout=20s"] });
    reports(life, [200, "initial", "Elb.InitialHealthChecking"]);
    between(life, 40, 180, "DescribeTargetHealth", THROTTLED);
    life.stopAt(10 * MINUTE);
  },
  "one group of three refuses: the others are taken back": (begin) =>
    begin({ groups: ["kafka", "edge", "admin"] }).elb.failing = (call, group) =>
      call === "RegisterTargets" && group === "edge"
        ? { code: "TooManyTargets", retryable: false }
        : undefined,
  ...Object.fromEntries([61, 68, 130].map((second) => [
    `a second stop signal after ${second - 60} s`,
    (begin: Begin) => {
      const life: Life = begin({
        args: [...DRAINS, "-pre-deregister-timeout=5s"],
        hook: async (event) => {
          if (event === "pre-deregister") await sleep(life.clock.within(5 * SECOND));
          return { outcome: "succeeded" };
        },
      }).stopAt(60 * SECOND, second * SECOND);
      life.elb.takes = (call) => call === "DeregisterTargets" ? 5 * SECOND : 10;
    },
  ])),
  "a pre-register hook that fails": (begin) =>
    begin({
      hook: (event) =>
        event === "pre-register"
          ? { outcome: "failed", reason: "exit code 3" }
          : { outcome: "succeeded" },
    }),
  "a pre-register hook that takes too long": (begin) =>
    begin({
      hook: (event) => ({ outcome: event === "pre-register" ? "timed-out" : "succeeded" }),
    }),
  "an application that comes back twice": (begin) => {
    const life: Life = begin({
      args: ["-min-drain-time=0s"],
      application: {
        wait: () => Promise.resolve(),
        restarted: (signal) => sleep(life.clock.within(90 * SECOND, signal)),
      },
    });
    life.elb.delay = 30 * SECOND;
    void life.drainAt(MINUTE);
    void life.drainAt(4 * MINUTE);
    life.stopAt(10 * MINUTE);
  },
};

/** Lives it, and tells of it. What is done again and again takes a line for six moments. */
async function chronicleOf(set: (begin: Begin) => unknown): Promise<string> {
  let life = new Life();
  const lines: { moments: string; times: number; text: string }[] = [];
  const tell = (what: string) => {
    const text = what.replaceAll(/arn:\S+targetgroup\/(\w+)\/\w+/g, "arn:$1");
    const moment = (life.clock.now() / SECOND).toFixed(3).padStart(8);
    const last = lines.at(-1);
    if (last?.text !== text || last.times === 6) lines.push({ moments: moment, times: 1, text });
    else Object.assign(last, { moments: last.moments + moment.padStart(9), times: last.times + 1 });
  };
  set((options = {}) => {
    life = new Life({
      ...options,
      hook: (event, timeout, context) => {
        tell(`hook ${event} ${timeout} ${context.state}`);
        return options.hook?.(event, timeout, context) ?? { outcome: "succeeded" };
      },
    });
    life.elb.onCall = (call, group) => tell(`${call} ${group}`);
    life.log.onLine = (line) => !line.startsWith("debug ") && tell(line.replace(/ \{\}$/, ""));
    return life;
  });
  const { exit, message } = await life.run();
  tell(`exit ${exit}: ${message}`);
  return lines.map(({ moments, text }) => `${moments} ${text}\n`).join("");
}

/** The chronicles that are kept, by their names. */
async function kept(): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(FILE);
  return Object.fromEntries(
    text.split(/^## /m).slice(1).map((part) => [
      part.slice(0, part.indexOf("\n")),
      part.slice(part.indexOf("\n") + 2),
    ]),
  );
}

if (Deno.env.has("UPDATE")) {
  const parts = Object.entries(CHRONICLES).map(async ([name, set]) =>
    `## ${name}\n\n${await chronicleOf(set)}`
  );
  await Deno.writeTextFile(FILE, (await Promise.all(parts)).join("\n"));
}

const expected = await kept();

for (const [name, set] of Object.entries(CHRONICLES)) {
  Deno.test(`moment by moment: ${name}`, async () => {
    assertEquals((await chronicleOf(set)).trimEnd(), expected[name]?.trimEnd());
  });
}

Deno.test("every chronicle that is kept is one of these", () => {
  assertEquals(Object.keys(expected), Object.keys(CHRONICLES));
});
