import { assert, assertEquals } from "@std/assert";
import { createHooks } from "../../../lib/hooks/runner.ts";
import { systemClock } from "../../../lib/host/clock.ts";
import { KeptLog } from "../kept_log.ts";
import { blocksOf, read } from "./_docs.ts";

Deno.test("docs/hooks.md shows the document that a webhook gets", async () => {
  const from = read("docs/hooks.md").indexOf("<!-- webhook:");
  const block = blocksOf("docs/hooks.md").find(({ at }) => at > from);
  assert(from > 0 && block !== undefined);
  const shown = JSON.parse(block.text);
  const posted = Promise.withResolvers<unknown>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      posted.resolve(await request.json());
      return new Response(null, { status: 204 });
    },
  );
  const settings = { timeout: 60_000 };
  const hooks = createHooks({
    "pre-register": settings,
    "post-register": { ...settings, url: `http://127.0.0.1:${server.addr.port}` },
    "pre-deregister": settings,
    "post-deregister": settings,
  }, { clock: systemClock, log: new KeptLog(), shell: false });
  const { event, target, targetGroups, state } = shown;
  const context = { event, targetId: target, targetGroupArns: targetGroups, state };
  await hooks.run(context, new AbortController().signal);
  assertEquals(await posted.promise, shown);
});
