/** One target in one group, as the load balancer knows it, its past included. */
import type { TargetHealth } from "../../lib/aws/elb.ts";

type State =
  | { readonly at: "absent" }
  | { readonly at: "registered"; readonly byUs: boolean }
  | { readonly at: "draining"; readonly until: number };

interface Entry {
  readonly since: number;
  readonly state: State;
}

/** How targets of a group fare. Times in milliseconds. */
export interface MembershipPlan {
  readonly before: "absent" | "draining" | "registered";
  /** How long after registering the target is healthy; undefined: never. */
  readonly healthyAfter: number | undefined;
  /** What it is before, or for ever. */
  readonly unhealthy: { readonly state: string; readonly reason: string };
  readonly drainsFor: number;
}

/** The state of one target, now and before. */
export class Membership {
  readonly #plan: MembershipPlan;
  readonly #target: TargetHealth["target"];
  readonly #entries: Entry[];
  #rivalUntil = -Infinity;

  constructor(target: TargetHealth["target"], plan: MembershipPlan) {
    this.#target = target;
    this.#plan = plan;
    const before: Readonly<Record<typeof plan.before, State>> = {
      absent: { at: "absent" },
      draining: { at: "draining", until: plan.drainsFor },
      registered: { at: "registered", byUs: false },
    };
    this.#entries = [{ since: -Infinity, state: before[plan.before] }];
  }

  /** Whether a call of the sidecar under test registered it, and nothing undid that. */
  get isOurs(): boolean {
    const state = this.#entries.at(-1)?.state;
    return state?.at === "registered" && state.byUs;
  }

  /** Since when it is registered, by whomever; undefined: it is not. */
  get registeredSince(): number | undefined {
    const last = this.#entries.at(-1);
    return last?.state.at === "registered" ? last.since : undefined;
  }

  /** Until a moment, another client registers the target again whenever it is deregistered. */
  rival(now: number, until: number): void {
    this.#rivalUntil = until;
    this.register(now, false);
  }

  /** Since when nobody has it registered; undefined: somebody has. */
  get goneSince(): number | undefined {
    const last = this.#entries.at(-1);
    return last === undefined || last.state.at === "registered" ? undefined : last.since;
  }

  /** Whether it was draining all the time between two moments. */
  isDrainingThroughout(from: number, to: number): boolean {
    const turns = this.#entries.flatMap(({ since, state }) =>
      state.at === "draining" ? [since, state.until] : [since]
    );
    return [from, ...turns.filter((at) => at > from && at < to), to].every((moment) =>
      this.health(moment).state === "draining"
    );
  }

  register(now: number, byUs: boolean): void {
    const state = this.#at(now).state;
    if (state.at === "registered" && (state.byUs || !byUs)) return;
    this.#entries.push({ since: now, state: { at: "registered", byUs } });
  }

  deregister(now: number): void {
    if (this.#at(now).state.at !== "registered") return;
    const until = now + this.#plan.drainsFor;
    this.#entries.push({ since: now, state: { at: "draining", until } });
    if (now < this.#rivalUntil) this.register(now, false);
  }

  /** What DescribeTargetHealth says of a moment. */
  health(moment: number): TargetHealth {
    const { since, state } = this.#at(moment);
    const target = this.#target;
    const absent = { target, state: "unused", reason: "Target.NotRegistered" };
    switch (state.at) {
      case "absent":
        return absent;
      case "draining":
        if (moment >= state.until) return absent;
        return { target, state: "draining", reason: "Target.DeregistrationInProgress" };
      case "registered": {
        const { healthyAfter, unhealthy } = this.#plan;
        if (healthyAfter === undefined || moment < since + healthyAfter) {
          return { target, ...unhealthy };
        }
        return { target, state: "healthy" };
      }
    }
  }

  #at(moment: number): Entry {
    const entry = this.#entries.findLast(({ since }) => since <= moment);
    return entry ?? { since: -Infinity, state: { at: "absent" } };
  }
}
