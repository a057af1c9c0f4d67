/** A target group: who is registered in it, and in which state. */
import { live } from "./health.ts";
import { pause } from "./pause.ts";
import type { GroupSettings } from "./settings.ts";
import { DRAINING, NOT_IN_USE, NOT_REGISTERED, REGISTERING } from "./states.ts";
import type { StateChange, Target, TargetState } from "./states.ts";
import type { RequestedTarget } from "./target_ids.ts";

/** A target that is registered or draining. */
export interface Registration extends Target, TargetState {
  readonly availabilityZone: string;
  readonly quicServerId?: string;
}

/** A target's health, as replies have it. */
export type TargetHealth =
  & Target
  & TargetState
  & Partial<Pick<Registration, "availabilityZone" | "quicServerId">>;

interface Member {
  readonly target: Target;
  readonly availabilityZone: string;
  readonly quicServerId?: string;
  state: TargetState;
  /** Ends all that moves the state by itself. */
  readonly change: AbortController;
  /** When replies begin to know of it, by `performance.now`. */
  readonly seenFrom: number;
}

/** The state machine of a target group. */
export class Group implements Disposable {
  readonly arn: string;
  readonly settings: GroupSettings;
  readonly #members = new Map<string, Member>();
  readonly #onChange: (change: StateChange) => void;

  constructor(arn: string, settings: GroupSettings, onChange: (change: StateChange) => void) {
    this.arn = arn;
    this.settings = settings;
    this.#onChange = onChange;
  }

  /** The zone of all targets in the VPC that name none. */
  get zone(): string {
    return `${this.arn.split(":")[3]}a`;
  }

  /** The members as they are, whether or not replies have them yet. */
  get members(): Registration[] {
    return [...this.#members.values()].map(registration);
  }

  /** The members that replies have. */
  get seen(): Registration[] {
    return [...this.#members.values()].filter(isSeen).map(registration);
  }

  /** The target's health as replies have it; one that names another zone is not found. */
  health({ id, port, availabilityZone }: RequestedTarget): TargetHealth {
    const member = this.#members.get(key({ id, port }));
    const isIt = availabilityZone === undefined || availabilityZone === member?.availabilityZone;
    return member !== undefined && isIt && isSeen(member)
      ? registration(member)
      : { id, port, ...NOT_REGISTERED };
  }

  /** Whether the quota has room for these. */
  hasRoomFor(targets: readonly Target[]): boolean {
    const registered = [...this.#members.values()].filter((member) => !isDraining(member));
    const keys = [...registered.map(({ target }) => key(target)), ...targets.map(key)];
    return new Set(keys).size <= this.settings.quota;
  }

  /** The server IDs of the other targets. */
  serverIds(target: Target): readonly (string | undefined)[] {
    return [...this.#members.values()].filter((one) => key(one.target) !== key(target))
      .map(({ quicServerId }) => quicServerId);
  }

  /** Registers the target; one that is registered stays as it is, one that drains begins anew. */
  register(target: RequestedTarget, availabilityZone = this.zone): void {
    const before = this.#members.get(key(target));
    if (before !== undefined && !isDraining(before)) return;
    before?.change.abort();
    const member: Member = {
      target: { id: target.id, port: target.port },
      availabilityZone,
      ...(target.quicServerId !== undefined && { quicServerId: target.quicServerId }),
      state: before?.state ?? NOT_REGISTERED,
      change: new AbortController(),
      seenFrom: performance.now() + this.settings.unseen / this.settings.timeScale,
    };
    this.#members.set(key(target), member);
    this.#move(member, this.settings.inUse ? REGISTERING : NOT_IN_USE);
    if (this.settings.inUse) this.#live(member);
  }

  /** Begins to drain the target; one that is not registered stays so. */
  deregister(target: Target): void {
    const member = this.#members.get(key(target));
    if (member === undefined || isDraining(member)) return;
    member.change.abort();
    // Nothing sends to a group without a load balancer: there is nothing to drain.
    if (!this.settings.inUse) return this.#remove(member);
    const draining = { ...member, change: new AbortController() };
    this.#members.set(key(target), draining);
    this.#move(draining, DRAINING);
    this.#drain(draining);
  }

  /**
   * Puts the target in a state in which it stays.
   * @throws {RangeError} Where it is not registered.
   */
  setHealth(target: Target, state: TargetState): void {
    const member = this.#members.get(key(target));
    if (member === undefined) throw new RangeError(`${key(target)} is not registered`);
    member.change.abort();
    this.#move(member, state);
  }

  [Symbol.dispose](): void {
    for (const member of this.#members.values()) member.change.abort();
  }

  #live(member: Member): void {
    const { signal } = member.change;
    live(member.target, this.settings, signal, (state) => {
      if (!signal.aborted) this.#move(member, state);
    });
  }

  async #drain(member: Member): Promise<void> {
    const delay = this.settings.deregistrationDelaySeconds * 1000 / this.settings.timeScale;
    if (await pause(delay, member.change.signal)) this.#remove(member);
  }

  #remove(member: Member): void {
    this.#members.delete(key(member.target));
    this.#move(member, NOT_REGISTERED);
  }

  #move(member: Member, to: TargetState): void {
    const from = member.state;
    member.state = to;
    this.#onChange({ target: member.target, from, to });
  }
}

function isDraining(member: Member): boolean {
  return member.state.state === DRAINING.state;
}

function isSeen(member: Member): boolean {
  return performance.now() >= member.seenFrom;
}

function registration({ target, availabilityZone, quicServerId, state }: Member): Registration {
  const named = quicServerId === undefined ? {} : { quicServerId };
  return { ...target, availabilityZone, ...named, ...state };
}

function key(target: Target): string {
  return `${target.id}:${target.port}`;
}
