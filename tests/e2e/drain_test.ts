/** A pod that is deleted: `/drain` by a stand-in for the kubelet, signals in each phase of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { PHASES } from "../../lib/lifecycle/status.ts";
import { assertDrained, DRAINED, ends, get, type ListeningScene, post } from "./drain.ts";
import { serving, start } from "./drain.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

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
      await scene.sidecar.stopping();
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
  whileServing("50 clients of /drain get one drain and one answer", async ({ scene, url }) => {
    const clients = Array.from({ length: 50 }, () => get(`${url}/drain`));
    await scene.sidecar.line(/drain requested/);
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
        /could not confirm.*must allow elasticloadbalancing:DeregisterTargets/,
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
      await scene.sidecar.line(/drain requested/);
      assertEquals(await statuses(), [200, 200, 503, 503]);
      await drained;
      await stops(scene);
    },
  },
  whileServing(
    "/status, /metrics and /register follow a drain, its undoing and a stop",
    async ({ scene, url }) => {
      assertEquals(await statusOf(url), ["serving", true, "registered", "healthy"]);
      await get(`${url}/drain`);
      assertEquals(await statusOf(url), ["drained", false, "absent", "unused"]);
      const { text } = await get(`${url}/metrics`);
      for (const phase of PHASES.slice(0, PHASES.indexOf("drained"))) {
        if (phase === "waiting-for-application") continue;
        assertMatch(text, new RegExp(`_phases_ended_total{phase="${phase}"} 1$`, "m"));
      }
      assertMatch(text, /_api_calls_total{action="DeregisterTargets",result="ok"} 1$/m);
      assertMatch(text, /_stop_to_deregistered_seconds 0\.\d/);
      assertEquals((await post(`${url}/register`)).status, 202);
      await scene.sidecar.line(/serving until/, 2);
      assertEquals(await statusOf(url), ["serving", true, "registered", "healthy"]);
      scene.emulator.addFault({ what: "hold", action: "DeregisterTargets" });
      scene.sidecar.signal("SIGTERM");
      await scene.received("DeregisterTargets", 2);
      assertEquals((await post(`${url}/register`)).status, 409);
      assertEquals((await statusOf(url)).slice(0, 2), ["deregistering", false]);
      scene.emulator.release();
      await ends(scene);
    },
  ),
  whileServing("no trick begins a drain", async ({ scene, url }) => {
    const port = Number(new URL(url).port);
    for (const [text, status] of TRICKS) {
      assertEquals(await rawStatuses(port, text), [status], text);
    }
    assertEquals((await statusOf(url))[0], "serving");
    // A request is complete when it has no body, also from a client that closes its side.
    const both = "POST /register HTTP/1.1\r\nHost: localhost\r\n\r\n" + DRAIN;
    assertEquals(await rawStatuses(port, both), ["200", "200"]);
    assertDrained(scene);
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
      assertMatch(
        log.at(-1) ?? "",
        new RegExp(`-listen 127\\.0\\.0\\.1:${port}: another process in the pod uses`),
      );
      assertEquals(scene.calls, "");
    },
  },
  whileServing("SIGINT while /drain deregisters", async ({ scene, url }) => {
    const drained = get(`${url}/drain`);
    await scene.received("DeregisterTargets");
    scene.sidecar.signal("SIGINT");
    await scene.sidecar.stopping();
    scene.emulator.release();
    assertEquals(await drained, DRAINED);
    await ends(scene);
    assertDrained(scene);
  }, { faults: [{ what: "hold", action: "DeregisterTargets" }] }),
  whileServing("SIGTERM while it registers again after a drain", async ({ scene, url }) => {
    await get(`${url}/drain`);
    scene.emulator.addFault({ what: "hold", action: "RegisterTargets" });
    await post(`${url}/register`);
    await scene.received("RegisterTargets", 2);
    scene.sidecar.signal("SIGTERM");
    await scene.received("DeregisterTargets", 2);
    scene.emulator.release();
    await ends(scene);
  }),
];

/** Of `/status`: the phase, whether it is ready, and the target's membership and state. */
async function statusOf(url: string): Promise<readonly unknown[]> {
  const { phase, ready, groups: [group] } = JSON.parse((await get(`${url}/status`)).text);
  return [phase, ready, group.membership, group.health?.state];
}

const DRAIN = "GET /drain HTTP/1.1\r\nHost: localhost\r\n\r\n";
const withHeader = (header: string) => DRAIN.replace("Host: localhost", header);

/** What is sent before the client closes its side, and what is answered. */
const TRICKS: readonly [string, string][] = [
  [withHeader("Host: evil.example"), "403"],
  ...["Origin: null", "Referer: http://localhost/", "Sec-Fetch-Site: same-origin"]
    .map((header): [string, string] => [withHeader(`Host: localhost\r\n${header}`), "403"]),
  [withHeader("Host: localhost\r\nTransfer-Encoding: chunked"), "411"],
  [withHeader("Host: localhost\r\nContent-Length: 5") + "abc", "400"],
  [DRAIN.slice(0, -2), "400"],
  // It is the first one's body.
  [`POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: ${DRAIN.length}\r\n\r\n${DRAIN}`, "405"],
];

/** The statuses that a client gets that sends this and closes its side, as `printf … | nc` does. */
async function rawStatuses(port: number, text: string): Promise<string[]> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = ""]) => status);
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

async function stops(scene: Scene): Promise<void> {
  scene.sidecar.signal("SIGTERM");
  await ends(scene);
}

sideBySide(cases);
