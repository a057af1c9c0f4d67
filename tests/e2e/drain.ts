/** What tests of draining share: a sidecar that listens, and a stand-in for the kubelet. */
import { assertEquals } from "@std/assert";
import { Scene, type SceneOptions } from "./scene.ts";

/** A scene whose sidecar listens at `url`. */
export interface ListeningScene {
  readonly scene: Scene;
  readonly url: string;
}

/** The group's deregistration delay, in seconds. */
const DELAY = 2;
const ARGS = ["-listen=127.0.0.1:0", "-min-drain-time=1s", "-confirm-settle=1s"];

/** Starts a sidecar that listens, with a group whose targets drain quickly. */
export async function start(options: SceneOptions = {}): Promise<ListeningScene> {
  const scene = await Scene.start({
    ...options,
    group: { deregistrationDelaySeconds: DELAY, ...options.group },
    args: [...ARGS, ...options.args ?? []],
  });
  const [, address] = /listening address=(\S+)/.exec(await scene.sidecar.line(/listening/)) ?? [];
  return { scene, url: `http://${address}` };
}

/** The same, until it serves. */
export async function serving(options: SceneOptions = {}): Promise<ListeningScene> {
  const started = await start(options);
  await started.scene.sidecar.line(/serving until/);
  return started;
}

/** What a call is answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export const DRAINED: Answer = { status: 200, text: "drained" };

/** Calls as the kubelet's `httpGet` does: waits as long as it takes. */
export async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  return { status: response.status, text: (await response.text()).trim() };
}

export async function post(url: string): Promise<Answer> {
  const response = await fetch(url, { method: "POST" });
  return { status: response.status, text: (await response.text()).trim() };
}

/** Waits for the end of the sidecar, and looks for what is left of it. */
export async function ends(scene: Scene, code = 0): Promise<void> {
  const end = await scene.sidecar.ended();
  assertEquals(end.code, code, end.log.join("\n"));
  await scene.nothingLeftBehind();
}

/** Nothing of the target is left, not even draining. */
export function assertDrained(scene: Scene): void {
  assertEquals(scene.emulator.targets("kafka"), [], scene.sidecar.log.join("\n"));
}
