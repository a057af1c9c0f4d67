/** Every fault of the API × the calls that it can befall, once and for ever. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Fault, FaultRule } from "../emulator/faults.ts";
import { startEmulator } from "../emulator/server.ts";
import { Http2Server } from "../emulator/http2_server.ts";
import { Scene, TARGET } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";
import { SidecarProcess } from "./sidecar_process.ts";

/** What the answer, or its lack, tells the client. */
type Kind =
  /** Refused for the moment, certainly not applied. */
  | "refused-for-now"
  /** No answer, or one that says nothing; and it was not applied. */
  | "unknown"
  /** The same, but it was applied. */
  | "unknown-but-applied"
  /** Refused for good. */
  | "final"
  /** Nothing that anybody should notice. */
  | "harmless";

const CALLS = [
  "DescribeTargetGroups",
  "RegisterTargets",
  "DescribeTargetHealth",
  "DeregisterTargets",
] as const;
type CallName = typeof CALLS[number];

/** The calls that change something: what a call tells of its effect matters for them. */
const CHANGES = ["RegisterTargets", "DeregisterTargets"] as const;

const FAULTS: readonly (readonly [Kind, Fault, (readonly CallName[])?])[] = [
  ["refused-for-now", { what: "throttle" }],
  ["refused-for-now", { what: "throttle", code: "Throttling", retryAfter: 1 }, CHANGES],
  ["refused-for-now", { what: "too-many-targets" }, ["RegisterTargets"]],
  ["unknown", { what: "internal-failure" }],
  ["unknown", { what: "health-unavailable" }, ["DescribeTargetHealth"]],
  ["unknown", { what: "proxy-error" }],
  ["unknown", { what: "hang" }],
  ["unknown", { what: "silent-connection" }],
  ["unknown", { what: "reset" }],
  ["unknown", { what: "html-reply" }, CHANGES],
  ["unknown", { what: "empty-reply" }, CHANGES],
  ["unknown", { what: "redirect", to: "http://127.0.0.1:1/" }, CHANGES],
  ["unknown", { what: "endless-reply" }, CHANGES],
  ["unknown", { what: "giant-code" }, CHANGES],
  ["unknown-but-applied", { what: "internal-failure", applied: true }],
  ["unknown-but-applied", { what: "hang", applied: true }],
  ["unknown-but-applied", { what: "reset", applied: true }],
  ["unknown-but-applied", { what: "silent-connection", applied: true }, CHANGES],
  ["unknown-but-applied", { what: "truncated-reply" }, CHANGES],
  ["unknown-but-applied", { what: "truncated-xml" }],
  ["unknown-but-applied", { what: "broken-inside" }],
  ["unknown", { what: "broken-inside", applied: false }, CHANGES],
  ["final", { what: "access-denied" }],
  // The keys are those of the environment, which cannot change.
  ["final", { what: "revoke-key" }, ["DescribeTargetGroups", "RegisterTargets"]],
  [
    "final",
    { what: "target-group-not-found" },
    ["DescribeTargetGroups", "RegisterTargets", "DescribeTargetHealth"],
  ],
  ["final", { what: "invalid-target" }],
  ["harmless", { what: "delay", before: 300, after: 300 }],
  ["harmless", { what: "apply-late", time: 300 }],
  ["harmless", { what: "clock-skew", seconds: 900 }],
  ["harmless", { what: "close-connection" }, CHANGES],
  ["harmless", { what: "close-connection", announced: false }],
];

/** For what does not end by itself: short, since it is waited for to its end. */
const SHORT_TIMES = [
  // The first call waits for the program to load: on a busy machine that takes seconds.
  "-resolve-timeout=9s",
  "-register-timeout=3s",
  "-wait-in-service-timeout=2s",
  "-deregister-timeout=3s",
  "-confirm-settle=1s",
];

/** For what passes: an attempt has time enough on a machine that is busy with other tests. */
const LONG_TIMES = [
  "-resolve-timeout=30s",
  "-register-timeout=30s",
  "-wait-in-service-timeout=15s",
  "-deregister-timeout=30s",
  "-confirm-settle=1s",
];

/** More than all the times together, and start-up on a busy machine besides. */
const LONGEST_LIFE_MS = 45_000;

/** The exit code: what is final ends the start at once; deregistering is tried to the end. */
function expectedCode(call: CallName, kind: Kind, forEver: boolean): number {
  if (kind === "harmless" || call === "DescribeTargetHealth") return 0;
  if (call === "DeregisterTargets") return forEver && kind !== "unknown-but-applied" ? 5 : 0;
  if (!forEver && kind !== "final") return 0;
  return call === "DescribeTargetGroups" ? 3 : 4;
}

/** Whether the log must name the call. */
function isTold(call: CallName, { what, occurrence }: FaultRule): boolean {
  if (FAULTS.some(([kind, fault]) => kind === "harmless" && fault.what === what)) return false;
  // Once, on a connection that was open already: Deno sends again, and nobody has to know.
  if (what === "reset" && occurrence === "first") return call === "RegisterTargets";
  // A group that does not exist has a sentence of its own.
  return !(what === "target-group-not-found" && call === "DescribeTargetGroups");
}

/** Whether an attempt ends with its time only. */
function isSilent({ what }: Fault): boolean {
  return what === "hang" || what === "silent-connection";
}

function faultCase(call: CallName, [kind, fault]: typeof FAULTS[number], forEver: boolean): Case {
  const rule: FaultRule = { ...fault, action: call, occurrence: forEver ? "every" : "first" };
  return {
    name: `${call} ${forEver ? "for ever" : "once"}: ${JSON.stringify(fault)}`,
    run: async () => {
      const started = performance.now();
      const isEndless = forEver && call === "DescribeTargetGroups" && kind !== "harmless";
      const passes = !forEver || kind === "harmless";
      const times = passes && !isSilent(fault) ? LONG_TIMES : SHORT_TIMES;
      const args = [
        ...times,
        ...(isEndless ? ["-resolve-timeout=2s"] : []),
        // Where it is another call that fails, leaving is to succeed, and has time for it.
        ...(call === "DeregisterTargets" ? [] : ["-deregister-timeout=15s"]),
      ];
      await using scene = await Scene.start({ args, faults: [rule] });
      const line = await scene.sidecar.line(/serving until|exit_code=/);
      if (/serving until/.test(line)) scene.sidecar.signal("SIGTERM");
      const { code, log } = await scene.sidecar.ended();
      const text = log.join("\n");
      assertEquals(code, expectedCode(call, kind, forEver), text);
      assert(performance.now() - started < LONGEST_LIFE_MS, `it took too long:\n${text}`);
      assertMatch(log.at(-1) ?? "", new RegExp(`exit_code=${code}$`));
      assertEquals(log.filter((line) => /^\s+at /.test(line)), [], "a stack trace");
      if (code === 5) assertMatch(log.at(-1) ?? "", /10\.0\.0\.1 in arn:.*DeregisterTargets: /);
      else await scene.nothingLeftBehind();
      if (isTold(call, rule)) assert(text.includes(`${call}: `), `nothing tells of it:\n${text}`);
    },
  };
}

/** More groups than there are slots, and an API that takes most of an attempt's time. */
const MANY_GROUPS: Case = {
  name: "thirty groups are deregistered though each call takes three quarters of an attempt's time",
  run: async () => {
    const groups = Array.from({ length: 30 }, (_, number) => ({ name: `group-${number}` }));
    await using scene = await Scene.start({
      groups,
      args: [
        ...groups.map(({ name }) => `-target-group-name=${name}`),
        ...["-wait-in-service=false", "-deregister-timeout=9s"],
      ],
      faults: [{ what: "delay", before: 2_200, action: "DeregisterTargets" }],
    });
    await scene.sidecar.line(/serving until/);
    scene.sidecar.signal("SIGTERM");
    const { code, log } = await scene.sidecar.ended();
    assertEquals(code, 0, log.join("\n"));
    assert(!/credentials|next_try_in/.test(log.join("\n")), log.join("\n"));
    await scene.nothingLeftBehind();
  },
};

/** All calls but RegisterTargets share one HTTP/2 connection, over which nothing comes any more. */
const SILENT_HTTP2: Case = {
  name: "an HTTP/2 connection that goes silent delays DeregisterTargets by two seconds",
  run: async () => {
    const folder = await Deno.makeTempDir();
    await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
    await using server = await Http2Server.start(folder, emulator.url);
    await using sidecar = new SidecarProcess({
      args: ["-target-group-name=kafka", `-target-id=${TARGET}`, `-endpoint-url=${server.url}`],
      env: { ...emulator.environment, DENO_CERT: server.authority },
    });
    await sidecar.line(/serving until/);
    server.silenceConnections();
    const started = performance.now();
    sidecar.signal("SIGTERM");
    const { code, log } = await sidecar.ended();
    assertEquals(code, 0, log.join("\n"));
    assert(performance.now() - started < 8_000, log.join("\n"));
    assertMatch(log.join("\n"), /DeregisterTargets: no answer from \S+ in 2s on a kept connection/);
    assertEquals(emulator.registered("kafka"), []);
    await Deno.remove(folder, { recursive: true });
  },
};

sideBySide([
  ...[true, false].flatMap((forEver) =>
    FAULTS.flatMap((row) => (row[2] ?? CALLS).map((call) => faultCase(call, row, forEver)))
  ),
  MANY_GROUPS,
  SILENT_HTTP2,
]);
