/**
 * `/register` and `/drain` that reach a process that stands still: when it is continued, it finds
 * both at once. A 200 for the drain means that the target is not registered, unless a later
 * `/register` was answered.
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "../test.ts";
import { serving } from "./drain.ts";

/** How many pairs of requests of each kind. */
const PAIRS = 70;

const REQUESTS = { drain: "GET /drain", register: "POST /register" } as const;
type Request = keyof typeof REQUESTS;

/** Requests on one connection, one after the other, without waiting for answers between. */
async function pipelined(
  port: number,
  requests: readonly Request[],
): Promise<() => Promise<string[]>> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = requests.map((request, at) => {
    const last = at === requests.length - 1 ? "Connection: close\r\n" : "";
    return `${REQUESTS[request]} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n${last}\r\n`;
  });
  await connection.write(new TextEncoder().encode(text.join("")));
  return async () => {
    const reply = await new Response(connection.readable).text();
    return [...reply.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = ""]) => status);
  };
}

test(
  "/register and /drain sent to a process that stands still: 200 for a drain is true",
  async () => {
    const { scene, url } = await serving({
      args: ["-wait-in-service=false", "-wait-idle", "-idle-time=0s", "-min-drain-time=0s"],
      group: { deregistrationDelaySeconds: 0 },
    });
    await using _ = scene;
    const { sidecar, emulator } = scene;
    const port = Number(new URL(url).port);
    const phase = async (): Promise<string> => (await (await fetch(`${url}/status`)).json()).phase;
    /** The phase in which nothing is left to do. */
    const settled = async (): Promise<string> => {
      while (true) {
        const now = await phase();
        if (now === "serving" || now === "drained") return now;
      }
    };
    const registered = () => emulator.registered("kafka").length;
    const seen = { drained: 0, registered: 0 };
    for (let pair = 0; pair < 3 * PAIRS; pair++) {
      const kind = (["register, drain", "drain, register", "two connections"] as const)[pair % 3];
      sidecar.signal("SIGSTOP");
      const answers = kind === "register, drain"
        ? [await pipelined(port, ["register", "drain"])]
        : kind === "drain, register"
        ? [await pipelined(port, ["drain", "register"])]
        : [await pipelined(port, ["register"]), await pipelined(port, ["drain"])];
      sidecar.signal("SIGCONT");
      const statuses = (await Promise.all(answers.map((read) => read()))).flat();
      const [register, drain] = kind === "drain, register" ? statuses.toReversed() : statuses;
      const end = await settled();
      const context = `${kind}: ${statuses.join(", ")}, then ${end}`;
      assertEquals(drain, "200", context);
      assert(register === "202" || register === "200", context);
      assertEquals(registered(), end === "serving" ? 1 : 0, context);
      if (kind === "register, drain" || register === "200") assertEquals(end, "drained", context);
      if (kind === "drain, register") assertEquals(end, "serving", context);
      seen[end === "serving" ? "registered" : "drained"]++;
    }
    assert(seen.drained >= PAIRS && seen.registered >= PAIRS, JSON.stringify(seen));
    sidecar.signal("SIGTERM");
    assertEquals((await sidecar.ended()).code, 0);
    assertEquals(registered(), 0);
  },
  { limit: 180_000, sanitize: false },
);
