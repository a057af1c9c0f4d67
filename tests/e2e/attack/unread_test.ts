/** A sidecar whose log nothing reads, or that a hook keeps busy, does its work all the same. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ends, get, start } from "../drain.ts";
import { Scene } from "../scene.ts";
import { sideBySide } from "../side_by_side.ts";

/** How soon a signal must have led to a call, in milliseconds: many times what it takes. */
const AT_ONCE = 2_000;

/** A sidecar with an unread log of half a megabyte: a pipe holds an eighth of that. */
async function unread(): Promise<Scene> {
  const flood = `yes ${"x".repeat(500)} | head -n 1000; touch $HOME/flooded`;
  const scene = await Scene.start({ args: [`-pre-register-command=${flood}`], readsLog: false });
  const watcher = Deno.watchFs(scene.sidecar.home);
  for await (const { paths } of watcher) if (paths.some((path) => path.endsWith("flooded"))) break;
  await scene.received("DescribeTargetHealth");
  return scene;
}

sideBySide([
  {
    name: "stderr is a full pipe that nothing reads: deregistered at once, exit 0 soon",
    run: async () => {
      await using scene = await unread();
      const stopped = performance.now();
      const took = () => performance.now() - stopped;
      scene.sidecar.signal("SIGTERM");
      await scene.received("DeregisterTargets");
      assert(took() < AT_ONCE, `DeregisterTargets after ${took()} ms`);
      assertEquals((await scene.sidecar.ended()).code, 0);
      assert(took() < 5_000, `exit after ${took()} ms`);
      await scene.nothingLeftBehind();
    },
  },
  {
    name: "stderr is read again: the log says how much was dropped, and has its last lines",
    run: async () => {
      await using scene = await unread();
      await scene.sidecar.line(/WARN {2}log lines were dropped: .* lines=[1-9]/);
      await scene.sidecar.line(/serving until/);
      scene.sidecar.signal("SIGTERM");
      const { log } = await scene.sidecar.ended();
      assertMatch(log.at(-1) ?? "", /INFO {2}stopped.* exit_code=0$/);
    },
  },
  {
    name: "a hook that prints all the time holds up neither probes nor a stop",
    run: async () => {
      const args = ["-pre-register-command=yes | cat", "-pre-register-timeout=1m"];
      const { scene, url } = await start({ args });
      await using _ = scene;
      await scene.sidecar.line(/hook output/);
      for (let probe = 0; probe < 5; probe++) {
        const began = performance.now();
        assertEquals((await get(`${url}/livez`)).status, 200);
        assert(performance.now() - began < 1_000);
      }
      const stopped = performance.now();
      scene.sidecar.signal("SIGTERM");
      await scene.sidecar.stopping();
      assert(performance.now() - stopped < AT_ONCE);
      await ends(scene);
    },
  },
]);
