/** What is done to a sidecar for hours: a line for each kind. */
import type { Emulator } from "../emulator/emulator.ts";
import { TARGET } from "../e2e/scene.ts";

/** The sidecar's surroundings. */
export interface Surroundings {
  readonly emulator: Emulator;
  readonly group: string;
  /** Of its HTTP service. */
  readonly url: string;
}

/** One kind of disturbance. */
export interface Action {
  readonly name: string;
  readonly weight: number;
  readonly act: (surroundings: Surroundings) => Promise<void>;
}

/** The group's port. */
const PORT = 80;

/** How long a slow client holds its connection. */
const SLOW = 2_000;

/** The table. */
export const ACTIONS: readonly Action[] = [
  {
    name: "another client deregisters the target",
    weight: 1,
    act: ({ emulator, group }) => {
      if (emulator.registered(group).length > 0) {
        emulator.deregisterByOther(group, { id: TARGET, port: PORT });
      }
      return Promise.resolve();
    },
  },
  {
    name: "another client registers the target",
    weight: 1,
    act: ({ emulator, group }) => {
      emulator.registerByOther(group, { id: TARGET, port: PORT });
      return Promise.resolve();
    },
  },
  {
    name: "the connections are closed",
    weight: 2,
    act: ({ emulator }) => Promise.resolve(emulator.closeIdleConnections()),
  },
  ...["/livez", "/startupz", "/readyz", "/status", "/metrics", "/target"].map((path) => ({
    name: `GET ${path}`,
    weight: 4,
    act: async ({ url }: Surroundings) => {
      await send(`${url}${path}`, "GET");
    },
  })),
  {
    name: "a drain, and its end undone",
    weight: 2,
    act: async ({ url }) => {
      await send(`${url}/drain`, "POST");
      await send(`${url}/register`, "POST");
    },
  },
  {
    name: "a drain whose client goes away",
    weight: 1,
    act: async ({ url }) => {
      await fetch(`${url}/drain`, { method: "POST", signal: AbortSignal.timeout(100) })
        .then((response) => response.body?.cancel(), () => {});
      await send(`${url}/register`, "POST");
    },
  },
  {
    name: "a slow client",
    weight: 2,
    act: async ({ url }) => {
      const { hostname, port } = new URL(url);
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode("GET /status HTTP/1.1\r\nHost: x\r\n"));
      await new Promise((resolve) => setTimeout(resolve, SLOW));
    },
  },
];

/** A request, whatever its answer is: that is not what a soak is about. */
async function send(url: string, method: string): Promise<void> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(60_000) });
  await response.body?.cancel();
}

/** Draws one of them. */
export function drawAction(chance: number): Action | undefined {
  let at = chance * ACTIONS.reduce((sum, { weight }) => sum + weight, 0);
  return ACTIONS.find(({ weight }) => (at -= weight) < 0);
}
