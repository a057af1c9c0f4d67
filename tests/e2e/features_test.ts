/** What flags ask for beside the plain life, each in a real process. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PrivateServer } from "../emulator/private_server.ts";
import { startEmulator } from "../emulator/server.ts";
import { DRAINED, ends, get, serving } from "./drain.ts";
import { Scene, type SceneOptions, TARGET } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";
import { SidecarProcess } from "./sidecar_process.ts";

/** The pod's address, and one of somebody outside: all of 127.0.0.0/8 is this machine. */
const POD = "127.11.0.1";
const CLIENT = "127.11.0.99";

/** Connects from an address of this machine, as a client outside the pod. */
async function connect(port: number): Promise<Disposable> {
  const { connect } = await import("node:net");
  const socket = connect({ host: POD, port, localAddress: CLIENT });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return { [Symbol.dispose]: () => socket.destroy() };
}

/** Accepts and holds connections at the pod's address until its clients leave. */
function application(): Disposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: POD, port: 0 });
  (async () => {
    for await (const connection of listener) {
      connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })().catch(() => {});
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}

const allows = (call: string) => new RegExp(`must allow elasticloadbalancing:${call} on`);
const REQUIRED = ["-require-in-service", "-wait-in-service-timeout=1s"];
const BLIND = { what: "access-denied", action: "DescribeTargetHealth" } as const;

/** What is wrong, the exit code, the warnings of `-check`. */
const CHECKS: readonly (readonly [string, number, readonly RegExp[], SceneOptions])[] = [
  ["a kubelet that may not drain", 0, [/not allowed to call \/drain/], { args: ["-listen=:0"] }],
  [
    "rights to deregister and to see the delay that are missing",
    5,
    [allows("DescribeTargetGroupAttributes"), allows("DeregisterTargets")],
    {
      args: ["-deregister-timeout=2s"],
      faults: [{
        what: "access-denied",
        action: ["DeregisterTargets", "DescribeTargetGroupAttributes"],
      }],
    },
  ],
  ["no right to see the health", 0, [allows("DescribeTargetHealth")], { faults: [BLIND] }],
  [
    "the same where the health is required",
    4,
    [allows("DescribeTargetHealth")],
    { faults: [BLIND], args: REQUIRED },
  ],
  [
    "a group that no listener forwards to, where the health is required",
    4,
    [/no listener forwards to kafka/],
    { group: { inUse: false }, args: REQUIRED },
  ],
  [
    "an error that passes",
    0,
    [/Throttling/],
    { faults: [{ what: "throttle", action: "DeregisterTargets", occurrence: "first" }] },
  ],
];

const CASES: readonly Case[] = [
  {
    name: "-wait-idle holds a drain on while a client is connected, and ends it soon after",
    run: async () => {
      using app = application();
      const { scene, url } = await serving({
        args: [`-target-id=${POD}`, `-target-port=${app.port}`, "-wait-idle", "-idle-time=1s"],
        group: { deregistrationDelaySeconds: 300 },
      });
      await using _ = scene;
      let drained: Promise<unknown>;
      {
        using _client = await connect(app.port);
        drained = get(`${url}/drain`);
        await scene.sidecar.line(/and no connection is left connections=1 /);
        const status = JSON.parse((await get(`${url}/status`)).text);
        assertEquals([status.phase, status.connections], ["draining", 1]);
        assertMatch((await get(`${url}/metrics`)).text, /^nlb_registrator_connections 1$/m);
        scene.sidecar.signal("SIGTERM");
        await scene.sidecar.stopping();
      }
      assertEquals(await drained, DRAINED);
      await ends(scene);
      assertEquals(scene.emulator.targets("kafka").map(({ state }) => state), ["draining"]);
    },
  },
  {
    name: "-watch-interval registers a target again that another client deregistered",
    run: async () => {
      const { scene, url } = await serving({
        args: ["-watch-interval=1s", "-confirm-settle=0"],
        group: { deregistrationDelaySeconds: 0 },
      });
      await using _ = scene;
      scene.emulator.deregisterByOther("kafka", { id: TARGET, port: 9092 });
      await scene.received("RegisterTargets", 2);
      await scene.sidecar.line(/another client deregistered the target: registering it again/);
      await scene.sidecar.line(/target registered /, 2);
      const { text } = await get(`${url}/metrics`);
      assertMatch(text, /^nlb_registrator_reregistrations_total 1$/m);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "-quic-server-id=file:PATH: the server ID that the pre-register hook wrote is registered",
    run: async () => {
      const path = `${await Deno.makeTempDir()}/id`;
      const { scene, url } = await serving({
        args: [
          `-quic-server-id=file:${path}`,
          `-pre-register-command=echo 0x0123456789abcdef >${path}`,
        ],
        group: { protocol: "TCP_QUIC" },
      });
      await using _ = scene;
      const id = "0x0123456789abcdef";
      assertEquals(scene.emulator.registered("kafka").map((one) => one.quicServerId), [id]);
      assertEquals(JSON.parse((await get(`${url}/status`)).text).groups[0].quic_server_id, id);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "-ready-when-unused: a pod in a group without a listener is ready",
    run: async () => {
      const { scene, url } = await serving({
        args: ["-ready-when-unused"],
        group: { inUse: false },
      });
      await using _ = scene;
      assertEquals((await get(`${url}/readyz`)).status, 200);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "hooks and a stop without a drain are counted while the last hook runs",
    run: async () => {
      const { scene, url } = await serving({
        args: ["-pre-register-command=true", "-post-deregister-command=echo up; exec sleep 1000"],
      });
      await using _ = scene;
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(/hook output.*up/);
      const { text } = await get(`${url}/metrics`);
      assertMatch(text, /^nlb_registrator_undrained_stops_total 1$/m);
      assertMatch(
        text,
        /^nlb_registrator_hooks_total\{event="pre-register",outcome="succeeded"\} 1$/m,
      );
      assertMatch(text, /^nlb_registrator_build_info\{version="\d+\.\d+\.\d+",/m);
      await scene.sidecar.forceStop("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "-check tells whose credentials and which groups they are, and registers nothing",
    run: async () => {
      await using scene = await Scene.start({
        args: ["-check", "-listen=:8080", "-drain-allow=10.0.0.9", "-pre-register-command=true"],
        group: { healthCheckPort: 8081 },
      });
      const { code, stdout, log } = await scene.sidecar.ended();
      assertEquals(code, 0, log.join("\n"));
      for (
        const line of [
          /^region: +eu-west-1$/m,
          /^credentials: +from environment variables$/m,
          /^identity: +arn:aws:iam::123456789012:user\/static$/m,
          /^grace period: +405 s \(1\), 421 s \(50\), 571 s \(500\), 2071 s \(5000\) for so many pods/m,
          /^pre-register: +runs "true", 5s at most$/m,
          /^target group: +kafka, arn:aws:elasticloadbalancing:.*$/m,
          /^ {2}deregistration delay: +5m0s$/m,
          /^ {2}registered: +no$/m,
          /^WARNING: kafka is checked on port 8081, not on the traffic port/m,
        ]
      ) assertMatch(stdout, line);
      assert(!scene.calls.includes(" register"), scene.calls);
      await scene.nothingLeftBehind();
    },
  },
  {
    name: "-check finds its identity by TLS, with an authority of NODE_EXTRA_CA_CERTS",
    run: async () => {
      await using emulator = await startEmulator({ groups: [{ name: "kafka" }] });
      const folder = await Deno.makeTempDir();
      using server = await PrivateServer.start(folder, emulator.url);
      await using sidecar = new SidecarProcess({
        args: ["-check", "-target-group-name=kafka", `-target-id=${TARGET}`],
        env: {
          ...emulator.environment,
          AWS_ENDPOINT_URL: server.url,
          NODE_EXTRA_CA_CERTS: server.authority,
        },
      });
      const { code, stdout, log } = await sidecar.ended();
      assertEquals(code, 0, log.join("\n"));
      assertMatch(stdout, /^identity: +arn:aws:iam::123456789012:user\/static$/m);
      await Deno.remove(folder, { recursive: true });
    },
  },
  ...CHECKS.map(([what, code, warnings, options]) => ({
    name: `-check exits as the run does: ${what}`,
    run: async () => {
      await using checked = await Scene.start({
        ...options,
        args: ["-check", ...options.args ?? []],
      });
      const { stdout, log, ...check } = await checked.sidecar.ended();
      const found = stdout.split("\n").filter((line) => line.startsWith("WARNING: "));
      assertEquals(found.length, warnings.length, stdout);
      for (const [at, warning] of warnings.entries()) assertMatch(found[at] ?? "", warning);
      assertMatch(log.at(-1) ?? "", new RegExp(`warnings: ${warnings.length}\\b`));
      assert(!checked.calls.includes(" register"), checked.calls);
      assertEquals(check.code, code);
      await using scene = await Scene.start(options);
      const serves = scene.sidecar.line(/serving until/).then(
        () => scene.sidecar.signal("SIGTERM"),
        () => {},
      );
      assertEquals((await scene.sidecar.ended()).code, code, "the run");
      await serves;
    },
  })),
];

sideBySide(CASES);
