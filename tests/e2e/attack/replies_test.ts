/** What the servers that the sidecar calls, or something in their place, can do to it. */
import { assert, assertEquals } from "@std/assert";
import { outputOf } from "../../../tools/process.ts";
import { sidecarCommand } from "../../../tools/sidecar_command.ts";
import type { Fault, FaultRule } from "../../emulator/faults.ts";
import { memoryOf } from "../../process/proc.ts";
import { Pod, type PodOptions } from "../pod.ts";
import { IRSA, POD_IDENTITY, TOKEN_FILES } from "../pod_identity.ts";
import { Scene } from "../scene.ts";
import { type Case, sideBySide } from "../side_by_side.ts";
import type { SidecarProcess } from "../sidecar_process.ts";

/** A pod in a region, with the API and this source of credentials. */
function podWith(source: PodOptions["env"]): PodOptions {
  return {
    env: (place) => ({ AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: place.url, ...source(place) }),
    files: () => TOKEN_FILES,
  };
}

/** Where the reply comes from, and a pod that gets its credentials there. */
const ENDPOINTS: readonly (readonly [FaultRule["action"], PodOptions])[] = [
  ["DescribeTargetGroups", podWith(POD_IDENTITY)],
  ["ContainerCredentials", podWith(POD_IDENTITY)],
  ["AssumeRoleWithWebIdentity", podWith(IRSA)],
  ["InstanceMetadata", podWith(({ url }) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }))],
];

const REPLIES: readonly Fault[] = [
  { what: "endless-reply" },
  { what: "gzip-bomb" },
  { what: "many-roots" },
  { what: "giant-code" },
];

/** How far it may rise above a sidecar that serves, in MB of 1024 × 1024 bytes. */
const MOST_OVER_IDLE = 64;
const LONGEST_LINE = 2_000;

function hostileReply([action, pod]: typeof ENDPOINTS[number], fault: Fault): Case {
  return {
    name: `${fault.what} from ${action}: bounded in memory, time and log`,
    run: async () => {
      const faults = [{ ...fault, action } as FaultRule];
      const args = () => ["-resolve-timeout=5s"];
      await using running = await Pod.start({ ...pod, args, emulator: { faults } });
      const watched = watchMemory(running.sidecar);
      const { code, log } = await running.ended();
      assertEquals(code, 3, log);
      for (const line of log.split("\n")) assert(line.length < LONGEST_LINE, line.slice(0, 200));
      return `exit 3, ${await bearable(watched)}`;
    },
  };
}

/** How much it had at most until its end. */
async function watchMemory({ pid }: SidecarProcess): Promise<number> {
  let most = 0;
  while (true) {
    const memory = await memoryOf(pid).catch(() => undefined);
    if (memory === undefined || Number.isNaN(memory.peak)) return most;
    most = memory.peak;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let idle: Promise<number> | undefined;

/** What a sidecar has that serves, in the form that is attacked. */
function idleMemory(): Promise<number> {
  return idle ??= (async () => {
    await using scene = await Scene.start();
    await scene.sidecar.line(/serving until/);
    return (await memoryOf(scene.sidecar.pid)).resident;
  })();
}

async function bearable(watched: Promise<number>): Promise<string> {
  const over = await watched - await idleMemory();
  assert(over < MOST_OVER_IDLE, `${over} MB over idle`);
  return `${Math.round(over)} MB over idle`;
}

/** A quarter of a gigabyte. */
async function gzipBomb(): Promise<Uint8Array<ArrayBuffer>> {
  let left = 2 ** 28;
  const zeros = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      controller.enqueue(new Uint8Array(2 ** 20));
      if ((left -= 2 ** 20) === 0) controller.close();
    },
  });
  return await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).bytes();
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKS = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const HEADER = "X-Y: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";

/** How a reply begins, and what follows without end. */
const FLOODS: Readonly<
  Record<string, readonly [string, string | Uint8Array<ArrayBuffer>]>
> = {
  "an endless body": [`${OK}\r\n`, "a"],
  "an endless body of an error": ["HTTP/1.1 403 Forbidden\r\n\r\n", "a"],
  "endless chunks": [CHUNKS, "1\r\na\r\n"],
  "an endless chunk extension": [`${CHUNKS}1;x=`, "a"],
  "endless trailers": [`${CHUNKS}0\r\n`, HEADER],
  "endless headers": [OK, HEADER],
  "an endless header": [`${OK}X-Y: `, "a"],
  "endless early answers": ["", "HTTP/1.1 100 Continue\r\n\r\n"],
  "a bomb of gzip": [`${OK}Content-Encoding: gzip\r\n\r\n`, await gzipBomb()],
};

/** A server that answers each request with a flood. */
function flooding([head, rest]: typeof FLOODS[string]): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const encoder = new TextEncoder();
  const flood = async (connection: Deno.TcpConn) => {
    await connection.read(new Uint8Array(2 ** 14));
    const some = typeof rest === "string" ? encoder.encode(rest.repeat(2 ** 14)) : rest;
    for (let part = encoder.encode(head);; part = some) {
      while (part.length > 0) part = part.subarray(await connection.write(part));
    }
  };
  (async () => {
    for await (const connection of listener) {
      void flood(connection).catch(() => connection.close());
    }
  })().catch(() => {});
  return listener;
}

/** The whole log. */
async function stopped(sidecar: SidecarProcess): Promise<readonly string[]> {
  try {
    sidecar.signal("SIGTERM");
  } catch {
    // It has ended: its hook or its application failed.
  }
  return (await sidecar.ended()).log;
}

/** Clients of servers that belong to others, by the arguments that make them; and when they are done. */
const CLIENTS: readonly (readonly [string, (url: string) => readonly string[], RegExp])[] = [
  [
    "a webhook",
    (url) => [`-pre-register-url=${url}`, "-pre-register-timeout=15s"],
    / hook (succeeded|failed|timed out)/,
  ],
  [
    "the application",
    (url) => [`-wait-for=${url}`, "-wait-for-timeout=2s"],
    /the application (answers|did not answer)/,
  ],
];

// There, an error of the runtime's own HTTP client cannot be caught: docs/security.md.
const [program, ...options] = sidecarCommand();
const version = await outputOf(program, [...options, "-version"]);
const UNCAUGHT = /deno 2\.4\./.test(version)
  ? ["an endless chunk extension from the application", "endless trailers from the application"]
  : [];

function flooded([client, args, done]: typeof CLIENTS[number], what: string): Case {
  return {
    name: `${what} from ${client}: bounded in memory, time and log`,
    run: async () => {
      if (UNCAUGHT.includes(`${what} from ${client}`)) return "not tried";
      const flood = FLOODS[what] ?? ["", ""];
      using server = flooding(flood);
      const url = `http://127.0.0.1:${server.addr.port}/`;
      await using scene = await Scene.start({ args: args(url) });
      const watched = watchMemory(scene.sidecar);
      const came = await scene.sidecar.line(done);
      const log = await stopped(scene.sidecar);
      for (const line of log) assert(line.length < LONGEST_LINE, line.slice(0, 200));
      await scene.nothingLeftBehind();
      const [words = ""] = done.exec(came) ?? [];
      // Once a webhook has a status, nothing that follows takes its time.
      if (client === "a webhook") {
        const tookAll = Number(/ took=([0-9.]+)s/.exec(came)?.[1] ?? 0) >= 15;
        assertEquals(tookAll, !flood[0].includes("\r\n\r\n"), came);
      }
      return `${words}, ${await bearable(watched)}`;
    },
  };
}

function redirect([action, pod]: typeof ENDPOINTS[number]): Case {
  return {
    name: `a redirect from ${action} is not followed`,
    run: async () => {
      const followed: string[] = [];
      await using elsewhere = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        ({ headers }) => {
          followed.push(JSON.stringify([...headers]));
          return new Response("");
        },
      );
      const to = `http://127.0.0.1:${elsewhere.addr.port}/`;
      const faults = [{ what: "redirect", to, action } as FaultRule];
      const args = () => ["-resolve-timeout=3s"];
      await using running = await Pod.start({ ...pod, args, emulator: { faults } });
      const { code, log } = await running.ended();
      assertEquals([code, followed], [3, []], log);
    },
  };
}

/** Neither of them is led to another server, where a POST would become a GET. */
function redirected([client, args, done]: typeof CLIENTS[number]): Case {
  return {
    name: `a redirect from ${client} is not followed`,
    run: async () => {
      const followed: string[] = [];
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        ({ url }) => {
          if (url.endsWith("/elsewhere")) followed.push(url);
          return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
        },
      );
      const url = `http://127.0.0.1:${server.addr.port}/`;
      await using scene = await Scene.start({ args: args(url) });
      const [came] = done.exec(await scene.sidecar.line(done)) ?? [];
      await stopped(scene.sidecar);
      assertEquals(followed, []);
      return `${came}, and not followed`;
    },
  };
}

/** A whole life through which no request may go by the proxy of the environment. */
function proxied([action, pod]: typeof ENDPOINTS[number]): Case {
  return {
    name: `the proxy gets nothing that is for ${action} on loopback`,
    run: async () => {
      let connections = 0;
      const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const taking = (async () => {
        for await (const connection of proxy) {
          connections++;
          connection.close();
        }
      })();
      const url = `http://127.0.0.1:${proxy.addr.port}`;
      const names = ["HTTP_PROXY", "https_proxy", "ALL_PROXY"];
      const proxies = Object.fromEntries(names.map((name) => [name, url]));
      await using running = await Pod.start({
        ...pod,
        env: (place) => ({
          ...pod.env(place),
          ...{ ...proxies, NO_PROXY: "example.com", DENO_NO_UPDATE_CHECK: "1" },
        }),
      });
      const { code, log } = await running.live();
      assertEquals([code, connections], [0, 0], log);
      proxy.close();
      await taking;
    },
  };
}

sideBySide([
  ...ENDPOINTS.map(proxied),
  ...ENDPOINTS.map(redirect),
  ...CLIENTS.map(redirected),
  // The SDK gives the metadata service a second: what comes now keeps this process busy.
  ...ENDPOINTS.flatMap((endpoint) => REPLIES.map((fault) => hostileReply(endpoint, fault))),
  ...CLIENTS.flatMap((client) => Object.keys(FLOODS).map((what) => flooded(client, what))),
]);
