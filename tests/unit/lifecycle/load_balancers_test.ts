/** What groups that are not plain TCP ones of a Network Load Balancer need, and what unused ones do. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HookContext } from "../../../lib/hooks/hook.ts";
import { GROUP_PORT } from "../fake_load_balancer.ts";
import { Life, MINUTE, SECOND } from "./_lifecycle.ts";

const ID = "0x0123456789abcdef";
const NOT_IN_USE = { target: { id: "10.0.0.1" }, state: "unused", reason: "Target.NotInUse" };

/** A life in groups of this protocol: how it ends, and the server IDs that it registers and tells. */
async function quic(from: string | undefined, protocol = "TCP_QUIC", groups: string[] = []) {
  const contexts: HookContext[] = [];
  const id = from === undefined ? [] : [`-quic-server-id=${from}`];
  const life: Life = new Life({
    args: [...groups, ...id],
    hook: (_event, _timeout, context) => {
      contexts.push(context);
      return { outcome: "succeeded" };
    },
  });
  life.elb.settings = { protocol };
  let told: (string | undefined)[] = [];
  life.clock.at(30 * SECOND, () => {
    told = life.view.status().groups.map(({ quic_server_id: id }) => id);
  });
  const { exit, message } = await life.stopAt(MINUTE).run();
  const ids = (wanted: string) =>
    life.elb.calls.filter(({ call }) => call === wanted).map(({ target }) => target?.quicServerId);
  const hooks = contexts.map(({ quicServerIds }) => quicServerIds?.join());
  return { exit, message, registered: ids("RegisterTargets"), told, hooks, ids };
}

Deno.test("-quic-server-id goes to RegisterTargets, to hooks and to /status, and to no other call", async () => {
  const { exit, registered, told, hooks, ids } = await quic(ID);
  assertEquals([exit, registered, told], ["done", [ID], [ID]]);
  assertEquals(hooks, [ID, ID, ID, ID], "also to the hook before registering");
  for (const call of ["DescribeTargetHealth", "DeregisterTargets"]) {
    assertEquals(new Set(ids(call)), new Set([undefined]), call);
  }
});

Deno.test("-quic-server-id=derive is the same in each life of the pod, and another for each port", async () => {
  const second = `-target-group-name=kafka:${GROUP_PORT + 1}`;
  const [one, again] = [await quic("derive"), await quic("derive")];
  const both = await quic("derive", "QUIC", [second]);
  assertEquals(one.registered, again.registered);
  assertMatch(one.registered.join(), /^0x[0-9a-f]{16}$/);
  assertEquals([both.registered[0], new Set(both.registered).size], [one.registered[0], 2]);
});

Deno.test("-quic-server-id=file:PATH is read when the target is registered; a bad one ends the start", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const [text, ends] of [[`${ID}\n`, "done"], ["0x12", "notRegistered"]] as const) {
      await Deno.writeTextFile(path, text);
      const { exit, message, registered } = await quic(`file:${path}`);
      assertEquals([exit, registered], [ends, ends === "done" ? [ID] : []]);
      if (ends !== "done") assertMatch(message, /does not contain 0x and 16 digits/);
    }
  } finally {
    await Deno.remove(path);
  }
  const { exit, message } = await quic(`file:${path}`);
  assertEquals(exit, "notRegistered");
  assertMatch(message, /^not registered: -quic-server-id file:.* cannot be read/);
  // To read it would never end.
  await new Deno.Command("mkfifo", { args: [path] }).output();
  assertMatch((await quic(`file:${path}`)).message, /cannot be read: .* is not a file/);
  await Deno.remove(path);
});

Deno.test("a group that serves QUIC needs -quic-server-id, and others get none", async () => {
  const missing = await quic(undefined);
  assertEquals([missing.exit, missing.registered], ["groupNotResolved", []]);
  assertMatch(missing.message, /^target group kafka serves TCP_QUIC: set -quic-server-id/);
  const other = await quic(ID, "UDP");
  assertEquals([other.exit, other.registered, other.told], ["done", [undefined], [undefined]]);
});

Deno.test("-ready-when-unused: a target is in service until a listener uses its group, and then by its health", async () => {
  for (const isWanted of [true, false]) {
    const args = ["-listen=:0", "-wait-in-service-timeout=10m"];
    const life: Life = new Life({ args: isWanted ? [...args, "-ready-when-unused"] : args });
    life.elb.lie = () => life.clock.now() < 5 * MINUTE ? NOT_IN_USE : undefined;
    const seen = [MINUTE, 7 * MINUTE].map((moment) =>
      new Promise((resolve) => {
        life.clock.at(moment, () => {
          const { ready, groups, phase } = life.view.status();
          resolve([ready, groups[0]?.health?.state, phase]);
        });
      })
    );
    await life.stopAt(10 * MINUTE).run();
    const first = isWanted ? [true, "unused", "serving"] : [false, "unused", "waiting-in-service"];
    assertEquals(await Promise.all(seen), [first, [true, "healthy", "serving"]]);
    const said = life.log.lines.filter((line) => /a listener uses|counts as in service/.test(line));
    assertEquals(said.length, isWanted ? 2 : 0, life.log.text);
  }
});

Deno.test("-wait-idle counts the connections of an Application Load Balancer's group", async () => {
  const args = ["-wait-drained", "-wait-idle", "-min-drain-time=70s"];
  const life = new Life({ args, connections: () => 0 }).stopAt(MINUTE);
  life.elb.settings = { protocol: "HTTP" };
  assertEquals((await life.run()).exit, "done");
  const took = life.clock.now() - MINUTE;
  assert(took >= 70 * SECOND && took < 80 * SECOND, `${took} ms`);
});
