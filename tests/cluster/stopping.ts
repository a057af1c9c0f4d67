/** How one container is ended: preStop, its turn, SIGTERM, SIGKILL, all within one grace period. */
import { until } from "../emulator/pause.ts";
import type { Container, Life } from "./container.ts";
import { Limit } from "./time.ts";

/**
 * So many of Kubernetes' seconds lie between SIGTERM and SIGKILL at least.
 * Source: kubernetes/kubernetes, pkg/kubelet/kuberuntime/kuberuntime_manager.go.
 */
const LEAST = 2;

/** How a container is to be ended. */
export interface StopOptions {
  /** In Kubernetes' seconds. */
  readonly grace: number;
  /** What has to be over before SIGTERM. */
  readonly turn?: Promise<unknown>;
  /** Cuts all waiting short: the end of the cluster. */
  readonly over: AbortSignal;
}

/** Ends a life; resolves when its processes are gone and its preStop hook is over. */
export async function stop(
  container: Container,
  { subject }: Life,
  { grace, turn, over }: StopOptions,
): Promise<void> {
  const { time, processes } = subject;
  const end = time.now() + time.scaled(grace);
  using limit = new Limit(time.scaled(grace), over);
  const { preStop } = container.spec;
  if (preStop && grace > 0) await container.hook("preStop", preStop, subject, limit.signal);
  if (turn) await until(turn, limit.signal);
  const left = Math.max(time.scaled(LEAST), end - time.now());
  send("SIGTERM");
  using last = new Limit(left, over);
  if (await until(processes.exited, last.signal)) return;
  send("SIGKILL");
  await processes.exited;

  function send(signal: "SIGTERM" | "SIGKILL") {
    if (subject.life.aborted) return;
    container.record({ kind: "signal", signal, ignored: !processes.signal(signal) });
  }
}
