/** An application that restarts without its pod: drained, gone, back, registered again. */
import { assertEquals } from "@std/assert";
import { FakeApplication } from "./application.ts";
import { assertDrained, DRAINED, ends, get, type ListeningScene, serving, start } from "./drain.ts";
import type { Scene } from "./scene.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

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
