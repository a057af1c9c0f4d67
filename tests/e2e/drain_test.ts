/** A pod that is deleted: `/drain` by a stand-in for the kubelet, signals in each phase of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { assertDrained, DRAINED, ends, get, type ListeningScene, post } from "./drain.ts";
import { serving, start } from "./drain.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

/** Not the line `serving until a stop signal comes`. */
const STOPPED = / stop signal signal=/;
const DRAINING = /waiting until the target is drained/;

const cases: readonly Case[] = [
  whileServing(
    "/drain is answered when the target is drained; SIGTERM then ends it at once",
    async ({ scene, url }) => {
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertDrained(scene);
      await stops(scene);
      assertEquals(
        scene.calls,
        "find register look deregister DescribeTargetGroupAttributes look",
      );
    },
  ),
  whileServing(
    "SIGTERM during /drain: the process lives until the target is drained",
    async ({ scene, url }) => {
      const drained = get(`${url}/drain`);
      await scene.sidecar.line(DRAINING);
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(STOPPED);
      assertEquals(await drained, DRAINED);
      assertDrained(scene);
      await ends(scene);
    },
  ),
  whileServing(
    "/drain after SIGTERM joins the drain of -wait-drained, as with an ordinary sidecar",
    async ({ scene, url }) => {
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(DRAINING);
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertDrained(scene);
      await ends(scene);
    },
    { args: ["-wait-drained"] },
  ),
  whileServing("/drain with half of all calls throttled", async ({ scene, url }) => {
    const drained = get(`${url}/drain`);
    await scene.received("DeregisterTargets");
    scene.sidecar.signal("SIGTERM");
    assertEquals(await drained, DRAINED);
    assertDrained(scene);
    await ends(scene);
  }, {
    faults: [{ what: "throttle", occurrence: { probability: 0.5, seed: 7 } }],
    args: ["-deregister-timeout=30s", "-wait-in-service-timeout=1m"],
  }),
  whileServing("/drain continues when its client goes away", async ({ scene, url }) => {
    const client = new AbortController();
    const gone = fetch(`${url}/drain`, { signal: client.signal }).catch(() => "gone");
    await scene.sidecar.line(/a drain is asked for/);
    client.abort();
    assertEquals(await gone, "gone");
    await stops(scene);
    assertDrained(scene);
  }),
  whileServing("50 clients of /drain get one drain and one answer", async ({ scene, url }) => {
    const clients = Array.from({ length: 50 }, () => get(`${url}/drain`));
    await scene.sidecar.line(/a drain is asked for/);
    scene.sidecar.signal("SIGTERM");
    for (const answer of await Promise.all(clients)) assertEquals(answer, DRAINED);
    await ends(scene);
    assertEquals(scene.calls.split(" ").filter((call) => call === "deregister").length, 1);
  }),
  whileServing(
    "/drain says why where deregistering cannot be confirmed; nothing hangs",
    async ({ scene, url }) => {
      const { status, text } = await get(`${url}/drain`);
      assertEquals(status, 500);
      assertMatch(
        text,
        /could not be confirmed.*must allow elasticloadbalancing:DeregisterTargets/,
      );
      scene.sidecar.signal("SIGTERM");
      assertEquals((await scene.sidecar.ended()).code, 5);
    },
    {
      args: ["-deregister-timeout=3s"],
      faults: [{ what: "access-denied", action: "DeregisterTargets" }],
    },
  ),
  whileServing(
    "a second signal during /drain ends the wait, and nothing is left",
    async ({ scene, url }) => {
      const drained = get(`${url}/drain`);
      await scene.sidecar.line(DRAINING);
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.forceStop("SIGINT");
      assertEquals((await drained).status, 500);
      await ends(scene);
    },
    { args: ["-min-drain-time=1m"] },
  ),
  whileServing(
    "/register after /drain registers again, and SIGTERM then leaves nothing",
    async ({ scene, url }) => {
      assertEquals((await post(`${url}/register`)).status, 200);
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertEquals((await post(`${url}/register`)).status, 202);
      await scene.received("RegisterTargets", 2);
      await stops(scene);
    },
  ),
  {
    name: "probes follow the lifecycle: started at once, ready when healthy, not while draining",
    run: async () => {
      const { scene, url } = await start({ faults: [{ what: "hold", action: "RegisterTargets" }] });
      await using _ = scene;
      await scene.received("RegisterTargets");
      const statuses = async () => {
        const paths = ["livez", "startupz", "readyz", "target"];
        const answers = await Promise.all(paths.map((path) => get(`${url}/${path}`)));
        return answers.map(({ status }) => status);
      };
      assertEquals(await statuses(), [200, 200, 503, 200]);
      scene.emulator.release();
      await scene.sidecar.line(/serving until/);
      assertEquals(await statuses(), [200, 200, 200, 200]);
      const drained = get(`${url}/drain`);
      await scene.sidecar.line(/a drain is asked for/);
      assertEquals(await statuses(), [200, 200, 503, 503]);
      await drained;
      await stops(scene);
    },
  },
  whileServing("/status and /metrics report what the log reports", async ({ scene, url }) => {
    const status = JSON.parse((await get(`${url}/status`)).text);
    assertEquals(status.version, 2);
    assertEquals(status.phase, "serving");
    assertEquals(status.groups[0].health.state, "healthy");
    assertEquals(status.groups[0].membership, "registered");
    const { text } = await get(`${url}/metrics`);
    assertMatch(text, /nlb_registrator_\w+\{[^}]*RegisterTargets[^}]*\} 1$/m);
    await stops(scene);
  }),
  {
    name: "a port that is in use: exit 2, and nothing is touched",
    run: async () => {
      using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = taken.addr;
      await using scene = await Scene.start({ args: [`-listen=127.0.0.1:${port}`] });
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 2);
      assertMatch(log.at(-1) ?? "", new RegExp(`-listen 127\\.0\\.0\\.1:${port}: the port is in`));
      assertEquals(scene.calls, "");
    },
  },
  ...(["SIGTERM", "SIGINT"] as const).flatMap(signalCases),
];

/** A stop signal in each phase that a drain has. */
function signalCases(signal: "SIGTERM" | "SIGINT"): Case[] {
  return [
    whileServing(`${signal} while /drain deregisters`, async ({ scene, url }) => {
      const drained = get(`${url}/drain`);
      await scene.received("DeregisterTargets");
      scene.sidecar.signal(signal);
      await scene.sidecar.line(STOPPED);
      scene.emulator.release();
      assertEquals(await drained, DRAINED);
      await ends(scene);
      assertDrained(scene);
    }, { faults: [{ what: "hold", action: "DeregisterTargets" }] }),
    whileServing(`${signal} when the target is drained`, async ({ scene, url }) => {
      await get(`${url}/drain`);
      await stops(scene, signal);
    }),
    whileServing(`${signal} while it registers again after a drain`, async ({ scene, url }) => {
      await get(`${url}/drain`);
      scene.emulator.addFault({ what: "hold", action: "RegisterTargets" });
      await post(`${url}/register`);
      await scene.received("RegisterTargets", 2);
      scene.sidecar.signal(signal);
      await scene.received("DeregisterTargets", 2);
      scene.emulator.release();
      await ends(scene);
    }),
    whileServing(
      `${signal} with -wait-drained: the process ends when the target is drained`,
      async ({ scene }) => {
        await stops(scene, signal);
        assertDrained(scene);
      },
      { args: ["-wait-drained"] },
    ),
  ];
}

/** A case that begins when the sidecar serves. */
function whileServing(
  name: string,
  run: (listening: ListeningScene) => Promise<void>,
  options: SceneOptions = {},
): Case {
  return {
    name,
    run: async () => {
      const listening = await serving(options);
      await using _ = listening.scene;
      await run(listening);
    },
  };
}

async function stops(scene: Scene, signal: Deno.Signal = "SIGTERM"): Promise<void> {
  scene.sidecar.signal(signal);
  await ends(scene);
}

sideBySide(cases);
