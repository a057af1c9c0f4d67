/** A pod that leaves: `/drain` by a stand-in for the kubelet, signals in every phase of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { assertDrained, DRAINED, ends, get, post, serving, start } from "./drain.ts";
import { Scene } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

const cases: Case[] = [
  {
    name: "/drain is answered when the target is drained; SIGTERM then ends it at once",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertDrained(scene);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
      assertEquals(
        scene.calls,
        "find register look deregister DescribeTargetGroupAttributes look",
      );
    },
  },
  {
    name: "SIGTERM during /drain: the process lives until the target is drained",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      const drained = get(`${url}/drain`);
      await scene.sidecar.line(/waiting until the target is drained/);
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(/stop signal/);
      assertEquals(await drained, DRAINED);
      assertDrained(scene);
      await ends(scene);
    },
  },
  {
    name: "/drain after SIGTERM joins the drain of -wait-drained, as with an ordinary sidecar",
    run: async () => {
      const { scene, url } = await serving({ args: ["-wait-drained"] });
      await using _ = scene;
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(/waiting until the target is drained/);
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertDrained(scene);
      await ends(scene);
    },
  },
  {
    name: "/drain with half of all calls throttled",
    run: async () => {
      const { scene, url } = await serving({
        faults: [{ what: "throttle", occurrence: { probability: 0.5, seed: 7 } }],
        args: ["-deregister-timeout=30s", "-wait-in-service-timeout=1m"],
      });
      await using _ = scene;
      const drained = get(`${url}/drain`);
      await scene.received("DeregisterTargets");
      scene.sidecar.signal("SIGTERM");
      assertEquals(await drained, DRAINED);
      assertDrained(scene);
      await ends(scene);
    },
  },
  {
    name: "/drain goes on when its caller goes away",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      const caller = new AbortController();
      const gone = fetch(`${url}/drain`, { signal: caller.signal }).catch(() => "gone");
      await scene.sidecar.line(/a drain is asked for/);
      caller.abort();
      assertEquals(await gone, "gone");
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
      assertDrained(scene);
    },
  },
  {
    name: "50 callers of /drain get one drain and one answer",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      const callers = Array.from({ length: 50 }, () => get(`${url}/drain`));
      await scene.sidecar.line(/a drain is asked for/);
      scene.sidecar.signal("SIGTERM");
      for (const answer of await Promise.all(callers)) assertEquals(answer, DRAINED);
      await ends(scene);
      assertEquals(scene.emulator.calls.filter(isDeregister).length, 1);
    },
  },
  {
    name: "/drain says why where deregistering cannot be confirmed; nothing hangs",
    run: async () => {
      const { scene, url } = await serving({
        args: ["-deregister-timeout=3s"],
        faults: [{ what: "access-denied", action: "DeregisterTargets" }],
      });
      await using _ = scene;
      const { status, text } = await get(`${url}/drain`);
      assertEquals(status, 500);
      assertMatch(
        text,
        /could not be confirmed.*must allow elasticloadbalancing:DeregisterTargets/,
      );
      scene.sidecar.signal("SIGTERM");
      assertEquals((await scene.sidecar.ended()).code, 5);
    },
  },
  {
    name: "a second signal during /drain ends the wait, and nothing is left",
    run: async () => {
      const { scene, url } = await serving({ args: ["-min-drain-time=1m"] });
      await using _ = scene;
      const drained = get(`${url}/drain`);
      await scene.sidecar.line(/waiting until the target is drained/);
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.line(/stop signal/);
      scene.sidecar.signal("SIGINT");
      assertEquals((await drained).status, 500);
      await ends(scene);
    },
  },
  {
    name: "/register after /drain registers again, and SIGTERM then leaves nothing",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      assertEquals((await post(`${url}/register`)).status, 200);
      assertEquals(await get(`${url}/drain`), DRAINED);
      assertEquals((await post(`${url}/register`)).status, 202);
      await scene.received("RegisterTargets", 2);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "probes follow the life: started at once, ready when healthy, not while it leaves",
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
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "/status and /metrics tell what the log tells",
    run: async () => {
      const { scene, url } = await serving();
      await using _ = scene;
      const status = JSON.parse((await get(`${url}/status`)).text);
      assertEquals(status.version, 1);
      assertEquals(status.phase, "serving");
      assertEquals(status.groups[0].health.state, "healthy");
      assertEquals(status.groups[0].membership, "registered");
      const { text } = await get(`${url}/metrics`);
      assertMatch(text, /nlb_registrator_\w+\{[^}]*RegisterTargets[^}]*\} 1$/m);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "a port that is in use: exit 2, and nothing is touched",
    run: async () => {
      using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = taken.addr;
      await using scene = await Scene.start({ args: [`-listen=127.0.0.1:${port}`] });
      const { code, log } = await scene.sidecar.ended();
      assertEquals(code, 2);
      assertMatch(
        log.at(-1) ?? "",
        new RegExp(`-listen 127\\.0\\.0\\.1:${port}: the port is in use`),
      );
      assertEquals(scene.calls, "");
    },
  },
  ...(["SIGTERM", "SIGINT"] as const).flatMap(signalCases),
];

/** A stop signal in each phase that a drain has. */
function signalCases(signal: "SIGTERM" | "SIGINT"): Case[] {
  return [
    {
      name: `${signal} while /drain deregisters`,
      run: async () => {
        const { scene, url } = await serving({
          faults: [{ what: "hold", action: "DeregisterTargets" }],
        });
        await using _ = scene;
        const drained = get(`${url}/drain`);
        await scene.received("DeregisterTargets");
        scene.sidecar.signal(signal);
        await scene.sidecar.line(/stop signal/);
        scene.emulator.release();
        assertEquals(await drained, DRAINED);
        await ends(scene);
        assertDrained(scene);
      },
    },
    {
      name: `${signal} when the target is drained`,
      run: async () => {
        const { scene, url } = await serving();
        await using _ = scene;
        await get(`${url}/drain`);
        scene.sidecar.signal(signal);
        await ends(scene);
      },
    },
    {
      name: `${signal} while it registers again after a drain`,
      run: async () => {
        const { scene, url } = await serving();
        await using _ = scene;
        await get(`${url}/drain`);
        scene.emulator.addFault({ what: "hold", action: "RegisterTargets" });
        await post(`${url}/register`);
        await scene.received("RegisterTargets", 2);
        scene.sidecar.signal(signal);
        await scene.received("DeregisterTargets", 2);
        scene.emulator.release();
        await ends(scene);
      },
    },
    {
      name: `${signal} with -wait-drained: the process ends when the target is drained`,
      run: async () => {
        const { scene } = await serving({ args: ["-wait-drained"] });
        await using _ = scene;
        scene.sidecar.signal(signal);
        await ends(scene);
        assertDrained(scene);
      },
    },
  ];
}

function isDeregister({ action }: { readonly action: string }): boolean {
  return action === "DeregisterTargets";
}

sideBySide(cases);
