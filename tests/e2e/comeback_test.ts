/** An application that restarts without its pod: drained, gone, back, registered again. */
import { assertEquals } from "@std/assert";
import { FakeApplication } from "./application.ts";
import { assertDrained, DRAINED, ends, get, type ListeningScene, serving, start } from "./drain.ts";
import type { Scene } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

/** How often a sidecar is killed in its drain. */
const KILLS = Number(Deno.env.get("KILLS") ?? 3);

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

/** A pod with an application; the target drains at once, so that what is between counts. */
async function pod(application: FakeApplication): Promise<ListeningScene> {
  return await serving({
    args: [`-wait-for=${application.url}`, "-min-drain-time=0"],
    group: { deregistrationDelaySeconds: 0 },
  });
}

/** The n-th time that it serves. */
async function serves(scene: Scene, nth: number): Promise<void> {
  await scene.sidecar.line(/serving until/, nth);
}

const cases: Case[] = [
  {
    name: "drained, restarted, registered again: three times in a row",
    run: async () => {
      using application = new FakeApplication();
      const { scene, url } = await pod(application);
      await using _ = scene;
      for (let round = 1; round <= 3; round++) {
        assertEquals(await get(`${url}/drain`), DRAINED);
        assertDrained(scene);
        application.down();
        await scene.sidecar.line(/the application has gone away/, round);
        application.up();
        await serves(scene, round + 1);
        assertEquals(scene.emulator.registered("kafka").length, 1);
      }
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
      const registered = scene.emulator.calls.filter(({ action }) => action === "RegisterTargets");
      assertEquals(registered.length, 4);
    },
  },
  {
    name: "a sidecar that is killed and started again takes over its target, and leaves nothing",
    run: async () => {
      using application = new FakeApplication();
      const { scene, url } = await pod(application);
      await using _ = scene;
      assertEquals(await get(`${url}/drain`), DRAINED);
      application.down();
      await scene.sidecar.line(/the application has gone away/);
      application.up();
      await serves(scene, 2);
      scene.sidecar.signal("SIGKILL");
      await scene.sidecar.ended();
      assertEquals(scene.emulator.registered("kafka").length, 1, "nobody could clean up");
      await using next = scene.another();
      await next.line(/serving until/);
      next.signal("SIGTERM");
      assertEquals((await next.ended()).code, 0);
      await scene.nothingLeftBehind();
    },
  },
  {
    name: "killed in a drain, a sidecar with -state-file drains on and never registers again",
    run: async () => {
      let [kept, registered] = [0, 0];
      for (let kill = 0; kill < KILLS; kill++) {
        const folder = await Deno.makeTempDir({ prefix: "state-" });
        const args = [`-state-file=${folder}/drain`, "-pod-uid=0c1e", "-min-drain-time=0"];
        const { scene, url } = await serving({ args, group: { deregistrationDelaySeconds: 0 } });
        await using _ = scene;
        const isMarked = () => Deno.readTextFileSync(`${folder}/drain`) !== "";
        const answered = get(`${url}/drain`).catch(() => {});
        // The first at the first moment at which it is to be kept, the others ever later.
        while (!isMarked()) await pause(1);
        await pause(kill === 0 ? 0 : 200 * Math.random() ** 2);
        scene.sidecar.signal("SIGKILL");
        await scene.sidecar.ended();
        await answered;
        if (isMarked()) kept++;
        registered += scene.emulator.registered("kafka").length;
        await using next = scene.another();
        await next.line(/target drained/);
        next.signal("SIGTERM");
        assertEquals((await next.ended()).code, 0);
        const registers = scene.emulator.calls.filter(({ action }) => action === "RegisterTargets");
        assertEquals(registers.length, 1, `kill ${kill}`);
        await scene.nothingLeftBehind();
        await Deno.remove(folder, { recursive: true });
      }
      assertEquals(kept, KILLS);
      return `${KILLS} kills, ${registered} of them before the target was deregistered`;
    },
  },
  {
    name: "an application that never answers: exit 7, and nothing was registered",
    run: async () => {
      using application = new FakeApplication();
      application.down();
      const { scene } = await start({
        args: [`-wait-for=${application.url}`, "-wait-for-timeout=2s"],
      });
      await using _ = scene;
      await ends(scene, 7);
      assertEquals(scene.calls, "find");
    },
  },
  {
    name: "a sidecar waits for an application that starts after it",
    run: async () => {
      using application = new FakeApplication();
      application.down();
      const { scene, url } = await start({ args: [`-wait-for=${application.url}`] });
      await using _ = scene;
      await scene.sidecar.line(/waiting for the application/);
      assertEquals((await get(`${url}/startupz`)).status, 200, "the deadlock trap");
      const shown = async () => JSON.parse((await get(`${url}/status`)).text).application;
      assertEquals(await shown(), [{ url: application.url, ready: false }]);
      assertEquals(scene.emulator.registered("kafka"), []);
      application.up();
      await scene.sidecar.line(/serving until/);
      assertEquals(await shown(), [{ url: application.url, ready: true }]);
      scene.sidecar.signal("SIGTERM");
      await ends(scene);
    },
  },
  {
    name: "SIGTERM when the application is back and RegisterTargets is in flight: nothing is left",
    run: async () => {
      using application = new FakeApplication();
      const { scene, url } = await pod(application);
      await using _ = scene;
      assertEquals(await get(`${url}/drain`), DRAINED);
      scene.emulator.addFault({ what: "hold", action: "RegisterTargets" });
      application.down();
      await scene.sidecar.line(/the application has gone away/);
      application.up();
      await scene.received("RegisterTargets", 2);
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.stopping();
      scene.emulator.release();
      await ends(scene);
    },
  },
];

sideBySide(cases);
