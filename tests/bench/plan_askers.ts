/** Ways to ask for a target's health until it is healthy, each as what it does in virtual time. */
import type { HealthCheck } from "../../lib/aws/elb.ts";
import { nextQuestionIn, type Sighting, sighting } from "../../lib/registration/poll_schedule.ts";
import { healthAt, type ModelTarget } from "./plan_targets.ts";

/** What an asker knows when it decides. Times are in seconds. */
export interface Moment {
  readonly healthCheck: HealthCheck;
  readonly now: number;
  /** How many questions it has asked. */
  readonly asked: number;
  readonly known: Sighting | undefined;
  /** When the wait ends. */
  readonly limit: number;
  readonly chance: () => number;
}

/** The seconds until the next question. */
export type Asker = (moment: Moment) => number;

/** As the sidecar asks. */
const plan: Asker = ({ healthCheck, now, known, chance }) =>
  nextQuestionIn(healthCheck, now * 1_000, known, chance()) / 1_000;

/** As the waiter of the Go SDK asks, which the original program uses: at once, then every 15 s. */
const fixed: Asker = ({ asked }) => asked === 0 ? 0 : 15;

/**
 * As `waitUntilTargetInService` of the SDK for JavaScript asks. Source: `@smithy/core` 3.41.0,
 * `exponentialBackoffWithJitter` in submodules/client/util-waiter/poller.js, and the delays in
 * waiters/waitForTargetInService.js of the client.
 */
const sdk: Asker = ({ now, asked, limit, chance }) => {
  const [least, most] = [15, 120];
  if (asked === 0) return 0;
  if (asked > Math.log2(most / least) + 1) return most;
  const capped = Math.min(most, least * 2 ** (asked - 1));
  const wait = least + chance() * (capped - least);
  return now + wait > limit ? Math.max(0, limit - now - 0.5) : wait;
};

/**
 * What a plan does that knows nothing of its target, is never more than 15 s late, and does not
 * let a fleet ask in one moment: it cannot make fewer calls.
 */
const bound: Asker = ({ asked, chance }) => asked === 0 ? 15 * chance() : 15;

/** The askers by their names in the table. */
export const ASKERS = { plan, "fixed 15 s": fixed, "SDK's waiter": sdk, bound } as const;

/** What became of a wait. */
export interface Wait {
  readonly calls: number;
  /**
   * From turning healthy to being known as healthy, or to the end of the wait; undefined where the
   * target did not turn healthy within it.
   */
  readonly lateness: number | undefined;
}

/** Waits for a target; a question takes no time. */
export function waitFor(
  target: ModelTarget,
  asker: Asker,
  { limit, chance }: Pick<Moment, "limit" | "chance">,
): Wait {
  const { healthCheck, healthyAt } = target;
  let known: Sighting | undefined;
  let now = 0;
  for (let asked = 0;; asked++) {
    now += asker({ healthCheck, now, asked, known, limit, chance });
    if (now >= limit) return { calls: asked, lateness: latenessAt(limit, healthyAt) };
    const health = healthAt(target, now);
    if (health.state === "healthy") return { calls: asked + 1, lateness: now - healthyAt };
    known = sighting(known, health, now * 1_000);
  }
}

function latenessAt(limit: number, healthyAt: number): number | undefined {
  return healthyAt < limit ? limit - healthyAt : undefined;
}
