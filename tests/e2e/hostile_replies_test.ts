/** What the API, the credential endpoints or something in their place can do to the sidecar. */
import { assert, assertEquals } from "@std/assert";
import type { Fault, FaultRule } from "../emulator/faults.ts";
import { Pod, type PodOptions } from "./pod.ts";
import { IRSA, POD_IDENTITY, TOKEN_FILES } from "./pod_identity.ts";
import { type Case, sideBySide } from "./side_by_side.ts";

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

/** Idle, it is at about 45 MB; issue: no more than 64 MiB above that. */
const MOST_MEMORY_KB = (45 + 64) * 1_024;
const LONGEST_LINE = 2_000;

function hostileReply([action, pod]: typeof ENDPOINTS[number], fault: Fault): Case {
  return {
    name: `${fault.what} from ${action}: bounded in memory, time and log`,
    run: async () => {
      const faults = [{ ...fault, action } as FaultRule];
      const args = () => ["-resolve-timeout=5s"];
      await using running = await Pod.start({ ...pod, args, emulator: { faults } });
      const watched = watchMemory(running.sidecar.pid);
      const { code, log } = await running.ended();
      assertEquals(code, 3, log);
      const peak = await watched;
      assert(peak < MOST_MEMORY_KB, `${peak} kB`);
      for (const line of log.split("\n")) assert(line.length < LONGEST_LINE, line.slice(0, 200));
    },
  };
}

/** The most memory that a process has had, in kB, when it ends. */
async function watchMemory(pid: number): Promise<number> {
  let peak = 0;
  while (true) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    const now = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN);
    if (Number.isNaN(now)) return peak;
    peak = Math.max(peak, now);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
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
  ...ENDPOINTS.flatMap((endpoint) => REPLIES.map((fault) => hostileReply(endpoint, fault))),
  ...ENDPOINTS.map(redirect),
]);
