/** A pod that is deleted: `/drain` by a stand-in for the kubelet, signals in each phase of it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
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
      const serving = await statusOf(url);
      assertGrows(serving);
      assertEquals(withoutTimes(serving), SERVING);
      await get(`${url}/drain`);
      const { drain, ...drained } = await statusOf(url);
      assertEquals(withoutTimes(drained), DRAINED_STATUS);
      assert(drain?.done && drain.at_least_seconds === 1 && drain.elapsed_seconds >= 1);
      const metrics = await samples(url);
      for (const phase of PHASES_BEFORE_DRAINED) {
        assertEquals(metrics.get(`phases_ended_total{phase="${phase}"}`), 1, phase);
      }
      assertEquals(metrics.get('api_calls_total{action="DeregisterTargets",result="ok"}'), 1);
      assert((metrics.get("stop_to_deregistered_seconds") ?? 0) > 0);
      assert((metrics.get('phase_seconds_total{phase="draining"}') ?? 0) >= 1);
      assertEquals((await post(`${url}/register`)).status, 202);
      await scene.sidecar.line(/serving until/, 2);
      assertEquals(withoutTimes(await statusOf(url)), SERVING);
      scene.emulator.addFault({ what: "hold", action: "DeregisterTargets" });
      scene.sidecar.signal("SIGTERM");
      await scene.received("DeregisterTargets", 2);
      assertEquals((await post(`${url}/register`)).status, 409);
      const stopping = await statusOf(url);
      assertEquals([stopping.phase, stopping.stopping, stopping.ready], [
        "deregistering",
        true,
        false,
      ]);
      scene.emulator.release();
      await ends(scene);
    },
  ),
  whileServing("no trick begins a drain", async ({ scene, url }) => {
    const port = Number(new URL(url).port);
    for (const [text, status] of TRICKS) {
      assertEquals(await rawStatuses(port, text), [status], text);
    }
    assertEquals((await statusOf(url)).drain_requested, false);
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

/** `/status`, as far as this test reads it. */
interface StatusDocument {
  readonly phase: string;
  readonly stopping: boolean;
  readonly drain_requested: boolean;
  readonly ready: boolean;
  readonly uptime_seconds: number;
  readonly in_phase_seconds: number;
  readonly groups: readonly {
    readonly arn: string;
    readonly health?: { readonly age_seconds: number };
  }[];
  readonly drain?: {
    readonly elapsed_seconds: number;
    readonly at_least_seconds: number;
    readonly done: boolean;
  };
}

async function statusOf(url: string): Promise<StatusDocument> {
  return JSON.parse((await get(`${url}/status`)).text);
}

const GROUP = { name: "kafka", target_id: "10.0.0.1", port: 9092 };
const SERVING = {
  ...{ version: 1, phase: "serving", stopping: false, drain_requested: false, ready: true },
  groups: [{ ...GROUP, membership: "registered", health: { state: "healthy" } }],
  application: [],
};
const DRAINED_STATUS = {
  ...{ version: 1, phase: "drained", stopping: false, drain_requested: true, ready: false },
  groups: [{
    ...{ ...GROUP, membership: "absent" },
    health: { state: "unused", reason: "Target.NotRegistered" },
  }],
  application: [],
};
const PHASES_BEFORE_DRAINED = PHASES.slice(0, PHASES.indexOf("drained"))
  .filter((phase) => phase !== "waiting-for-application");

function withoutTimes({ uptime_seconds: _, in_phase_seconds: __, ...status }: StatusDocument) {
  return {
    ...status,
    groups: status.groups.map(({ arn: _, health, ...group }) => {
      const { age_seconds: __, ...seen } = health ?? { age_seconds: 0 };
      return { ...group, health: seen };
    }),
  };
}

/** Uptime, the time in the phase and the age of the health are of this life, and of this phase. */
function assertGrows(
  { uptime_seconds: uptime, in_phase_seconds: inPhase, groups }: StatusDocument,
) {
  const age = groups[0]?.health?.age_seconds ?? 0;
  assert(
    0 < inPhase && inPhase <= age && age < uptime && uptime < 60,
    `${inPhase} ${age} ${uptime}`,
  );
}

/** The metrics, by name and labels. */
async function samples(url: string): Promise<ReadonlyMap<string, number>> {
  const { text } = await get(`${url}/metrics`);
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice("nlb_registrator_".length, end), Number(line.slice(end + 1))];
  }));
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
