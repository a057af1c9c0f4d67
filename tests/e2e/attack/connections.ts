/**
 * Probes and a drain beside clients that keep the HTTP service from its work.
 *
 * `deno task run tests/e2e/attack/connections.ts` takes a minute, with 10,000 connections of each kind.
 */
import { assert, assertEquals } from "@std/assert";
import { memoryOf } from "../../process/proc.ts";
import { type Answer, DRAINED, ends, get, serving } from "../drain.ts";
import type { Attack } from "./clients.ts";

/** Between two probes, and left for the drain at the end, in milliseconds. */
const PROBE_PAUSE = 1_000;
const DRAIN_TIME = 2_000;

/** What the service's other clients noticed of an attack. */
export interface Experience {
  readonly connections: number;
  readonly probes: number;
  /** The longest time that a probe waited for its answer, in milliseconds. */
  readonly slowestProbe: number;
  /** The same for `/drain` when the target is drained: the drain itself takes a second or two. */
  readonly drain: number;
  /** By how much the resident memory rose at most, in MB. */
  readonly risen: number;
}

/** Attacks a sidecar that serves; drains it at the attack's end. */
export async function experience(attack: Omit<Attack, "port">): Promise<Experience> {
  const { scene, url } = await serving({
    group: { deregistrationDelaySeconds: 0 },
    args: ["-listen=:0", "-min-drain-time=0s", "-confirm-settle=0s"],
  });
  await using _ = scene;
  const port = Number(new URL(url).port);
  const local = `http://127.0.0.1:${port}`;
  for (let warmUp = 0; warmUp < 200; warmUp++) await get(`${local}/status`);
  const before = (await memoryOf(scene.sidecar.pid)).resident;
  const hostile = attacked({ ...attack, port });
  let [probes, slowestProbe, most] = [0, 0, before];
  const end = performance.now() + attack.time - DRAIN_TIME;
  while (performance.now() < end) {
    const [took, answer] = await timed(() => probe(`${local}/readyz`));
    assertEquals(answer.status, 200);
    [probes, slowestProbe] = [probes + 1, Math.max(slowestProbe, took)];
    most = Math.max(most, (await memoryOf(scene.sidecar.pid)).resident);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, PROBE_PAUSE - took)));
  }
  assertEquals(await probe(`${local}/drain`), DRAINED);
  const [drain, answer] = await timed(() => probe(`${local}/drain`));
  assertEquals(answer, DRAINED);
  const connections = await hostile;
  scene.sidecar.signal("SIGTERM");
  await ends(scene);
  return { connections, probes, slowestProbe, drain, risen: most - before };
}

/** @throws {AssertionError} The others noticed more of it than they may. */
export function assertBearable({ slowestProbe, drain, risen }: Experience): void {
  assert(slowestProbe < 1_000, `a probe took ${slowestProbe} ms`);
  assert(drain < 1_000, `the drain took ${drain} ms`);
  assert(risen <= 20, `memory rose by ${risen} MB`);
}

/** The number of connections that there were. */
async function attacked(attack: Attack): Promise<number> {
  const script = new URL("clients.ts", import.meta.url).pathname;
  const args = ["run", "-q", "--no-config", "--allow-net", script];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args, JSON.stringify(attack)],
    stderr: "inherit",
  }).output();
  assert(success, "the hostile clients have failed");
  return Number(new TextDecoder().decode(stdout));
}

/** By a connection of its own, as the kubelet probes. */
async function probe(url: string): Promise<Answer> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(url, { client });
  return { status: response.status, text: (await response.text()).trim() };
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

if (import.meta.main) {
  const result = await experience({ each: 10_000, time: 60_000 });
  console.log(result);
  assertBearable(result);
}
