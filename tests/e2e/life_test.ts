/** Lives without faults: what is done, in which order, and what is said. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Scene, type SceneOptions, TARGET } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

/** A life that serves, is stopped, and must exit 0 with nothing left behind. */
function goodLife(
  name: string,
  options: SceneOptions,
  check: (scene: Scene, log: string) => void | Promise<void>,
): Case {
  return {
    name,
    run: async () => {
      await using scene = await Scene.start(options);
      await scene.sidecar.line(/serving until/);
      scene.sidecar.signal("SIGTERM");
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 0, log.join("\n"));
      await check(scene, log.join("\n"));
      await scene.nothingLeftBehind();
    },
  };
}

/** No lifecycle here that ends by itself may take longer, in milliseconds: its limits are 1 s. */
const LONGEST = 10_000;

/** A life that ends by itself with an exit code and a sentence. */
function failedLife(
  name: string,
  options: SceneOptions & { readonly code: number; readonly says: RegExp; readonly calls: RegExp },
): Case {
  return {
    name,
    run: async () => {
      const file = await Deno.makeTempFile();
      const args = [...options.args ?? [], "-termination-log", file];
      await using scene = await Scene.start({ ...options, args });
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, options.code, log.join("\n"));
      assertMatch(scene.calls, options.calls);
      const [first = "", last = ""] = [log[0], log.at(-1)];
      assertMatch(last, options.says);
      assertMatch(last, new RegExp(`^\\S+ ERROR .* exit_code=${code}$`));
      const took = Date.parse(last.slice(0, 24)) - Date.parse(first.slice(0, 24));
      assert(took < LONGEST, `it took ${took} ms`);
      assertMatch(await Deno.readTextFile(file), options.says);
      await Deno.remove(file);
      await scene.nothingLeftBehind();
    },
  };
}

const TELL = 'echo "$NLB_REGISTRATOR_EVENT $NLB_REGISTRATOR_TARGET_ID ' +
  '$NLB_REGISTRATOR_TARGET_GROUP_ARNS"';
const ARN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/kafka/0123456789abcdef";

sideBySide([
  goodLife("with all defaults", {}, (scene, log) => {
    assertEquals(scene.calls, "find register look deregister");
    assertMatch(log, /INFO {2}stopped: the target is deregistered exit_code=0$/);
  }),
  goodLife("with a hook at every step", {
    args: ["pre-register", "post-register", "pre-deregister", "post-deregister"]
      .map((event) => `-${event}-command=${TELL}`),
  }, (scene, log) => {
    const steps = [
      "target group resolved",
      `pre-register ${TARGET} ${scene.emulator.arn("kafka")}"`,
      "target registered",
      "target is in service",
      `post-register ${TARGET} ${scene.emulator.arn("kafka")}"`,
      "stop signal signal=SIGTERM",
      `pre-deregister ${TARGET} ${scene.emulator.arn("kafka")}"`,
      "target deregistered",
      `post-deregister ${TARGET} ${scene.emulator.arn("kafka")}"`,
      "stopped",
    ];
    const places = steps.map((step) => log.indexOf(step));
    assert(places.every((place) => place >= 0), log);
    assertEquals(places, places.toSorted((one, other) => one - other), log);
  }),
  goodLife("failing hooks but the first are warned of, and change nothing", {
    args: ["post-register", "pre-deregister", "post-deregister"]
      .map((event) => `-${event}-command=exit 3`),
  }, (_scene, log) => assertEquals(log.match(/WARN.*exit_code=3/g)?.length, 3, log)),
  goodLife("by ARN, without looking for the group", {
    args: ["-target-group-arn", ARN],
    env: { AWS_REGION: "" },
  }, (scene) => assertEquals(scene.calls, "register look deregister")),
  goodLife("with a port: it is repeated when deregistering", {
    args: ["-target-port=19092"],
  }, (scene) => {
    const calls = scene.emulator.calls.filter(({ targets }) => targets !== undefined);
    assert(calls.length >= 3);
    for (const { targets } of calls) assertEquals(targets, [{ id: TARGET, port: 19092 }]);
  }),
  goodLife("in three groups, found in one call", {
    args: ["kafka", "edge", "admin"].map((name) => `-target-group-name=${name}`),
    groups: [{ name: "edge", port: 443 }, { name: "admin", port: 8080 }],
  }, (scene) => {
    const count = (wanted: string) =>
      scene.emulator.calls.filter(({ action }) => action === wanted).length;
    assertEquals(count("DescribeTargetGroups"), 1);
    assertEquals(count("RegisterTargets"), 3);
    assertEquals(count("DeregisterTargets"), 3);
  }),
  goodLife("while replies do not yet know of the registration", {
    group: { unseen: 1_500 },
  }, (_scene, log) => assertMatch(log, /not in service yet .*Target\.NotRegistered/)),
  goodLife("unhealthy for too long, it goes on with a warning", {
    args: ["-wait-in-service-timeout=2s"],
    group: { health: { check: "assumed", after: 0, healthy: false } },
  }, (_scene, log) => {
    assertMatch(log, /WARN.*not healthy after 2s: it is unhealthy, Target\.FailedHealthChecks/);
  }),
  goodLife("with health checks disabled, it says the remedy", {
    args: ["-wait-in-service-timeout=1s"],
    group: { health: { check: "none" } },
  }, (_scene, log) => assertMatch(log, /WARN.*health checks are disabled/)),
  goodLife("with a log of JSON lines", { args: ["-log-format=json"] }, (_scene, log) => {
    for (const line of log.split("\n")) {
      const { time, level, message } = JSON.parse(line);
      assert(!Number.isNaN(Date.parse(time)), line);
      assert(["info", "warn"].includes(level), line);
      assertEquals(typeof message, "string");
    }
  }),
  goodLife("with flags from the environment", {
    env: { NLB_REGISTRATOR_WAIT_IN_SERVICE: "false", NLB_REGISTRATOR_LOG_FORMAT: "json" },
  }, (scene, log) => {
    assertEquals(scene.calls, "find register deregister");
    assertEquals(JSON.parse(log.split("\n")[0] ?? "").level, "info");
  }),
  {
    name: "a group that somebody has deleted is no trouble at the end",
    run: async () => {
      await using scene = await Scene.start({ args: ["-confirm-settle=0s"] });
      await scene.sidecar.line(/serving until/);
      await scene.emulator.deleteGroup("kafka");
      scene.sidecar.signal("SIGTERM");
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 0, log.join("\n"));
    },
  },
  failedLife("a failing pre-register command: not registered, exit 6", {
    args: ["-pre-register-command=echo no >&2; exit 7"],
    code: 6,
    says: /not registered: the pre-register hook failed: exit code 7/,
    calls: /^find$/,
  }),
  failedLife("a name that matches no group: exit 3 with the region", {
    args: ["-target-group-name=nope", "-region=eu-west-1"],
    code: 3,
    says: /target group nope does not exist in region eu-west-1: .*describe-target-groups/,
    calls: /^find$/,
  }),
  failedLife("an address for a group of instances: a clear fault before registering", {
    group: { targetType: "instance" },
    code: 3,
    says: /kafka takes instance targets, but -target-id is 10\.0\.0\.1: .* use a group of type ip/,
    calls: /^find$/,
  }),
  failedLife("an address that is not in the VPC: exit 4", {
    args: ["-target-id=8.8.8.8"],
    code: 4,
    says: /not registered: RegisterTargets: InvalidTarget: /,
    calls: /^find register$/,
  }),
  failedLife("never healthy where that is required: deregistered, exit 4", {
    args: ["-require-in-service", "-wait-in-service-timeout=1s"],
    group: { health: { check: "assumed", after: 0, healthy: false } },
    code: 4,
    says: /not in service \(-require-in-service\): the target is not healthy after 1s/,
    calls: /^find register look deregister$/,
  }),
  failedLife("one group of two refuses: the other registration is taken back, exit 4", {
    args: [`-target-group-arn=${ARN}`, `-target-group-arn=${ARN.replace("kafka", "gone")}`],
    code: 4,
    says: /not registered: RegisterTargets: TargetGroupNotFound: /,
    // The call that went well may still be under way when the other is refused.
    calls: /^register register deregister( deregister)?$/,
  }),
]);
