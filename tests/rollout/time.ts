/** How much faster rollouts are here than in a real cluster, and what follows from it. */

/** By what all times of Kubernetes, of the load balancer and of the drain are divided. */
export const SCALE = 20;

/** So many seconds of a real cluster, in milliseconds here. */
export function here(seconds: number): number {
  return seconds * 1_000 / SCALE;
}

/** So many milliseconds here, in seconds of a real cluster. */
export function real(milliseconds: number): number {
  return milliseconds * SCALE / 1_000;
}
