/** The life of one sidecar: each step is a line here, what it does is told elsewhere. */
import { abortable } from "@std/async/abortable";
import type { Config } from "./config/config.ts";
import type { Group } from "./target/group.ts";
import { resolveGroups } from "./target/group.ts";
import { waitInService } from "./target/in_service.ts";
import { Registration } from "./target/registration.ts";
import type { HookEvent, HookResult, Hooks } from "./hooks/hook.ts";
import type { ElasticLoadBalancing } from "./aws/elb.ts";
import { ApiFault } from "./aws/errors.ts";
import { type Clock, sleep } from "./host/clock.ts";
import { durationText } from "./host/duration.ts";
import type { ExitName } from "./host/exit.ts";
import { Failure } from "./host/failure.ts";
import type { Log } from "./host/log.ts";
import { StopRequested, type StopSignals } from "./host/signals.ts";

/** All that the life of a sidecar reaches the world through. */
export interface Ports {
  readonly elb: ElasticLoadBalancing;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly log: Log;
  readonly signals: StopSignals;
}

/** How a life ended: the exit code's name, and the sentence for the last log line. */
export interface Ending {
  readonly exit: ExitName;
  readonly sentence: string;
}

/** Lives one life: from the first call to the last. Never throws. */
export async function live(config: Config, ports: Ports): Promise<Ending> {
  const sidecar = new Sidecar(config, ports);
  try {
    const groups = await sidecar.resolve();
    await sidecar.preRegister(groups);
    const registrations = sidecar.registrations(groups);
    const ending = await sidecar.stay(registrations);
    return await sidecar.leave(registrations, ending);
  } catch (reason) {
    return sidecar.endingOf(reason, "stopped before anything was registered");
  }
}

class Sidecar {
  readonly #config: Config;
  readonly #ports: Ports;
  /** Ends when nothing of the post-register hook runs any more. */
  #hookEnd: Promise<unknown> = Promise.resolve();

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
  }

  /** @throws {Failure | StopRequested} */
  async resolve(): Promise<Group[]> {
    const { elb, clock, log, signals } = this.#ports;
    const { groups, target, timeouts, api } = this.#config;
    return await resolveGroups(groups, target, {
      elb,
      clock,
      log,
      time: timeouts.resolve,
      stop: signals.stop,
      region: api.region,
    });
  }

  /** Fails closed. @throws {Failure | StopRequested} */
  async preRegister(groups: readonly Group[]): Promise<void> {
    const { stop } = this.#ports.signals;
    const result = await this.#hook("pre-register", groups, stop);
    stop.throwIfAborted();
    if (result.outcome === "succeeded") return;
    const why = result.outcome === "failed"
      ? result.reason
      : `its time (-pre-register-timeout ${
        durationText(this.#config.hooks["pre-register"].timeout)
      }) was up`;
    throw new Failure("preRegisterRefused", `not registered: the pre-register hook failed: ${why}`);
  }

  registrations(groups: readonly Group[]): Registration[] {
    const { elb, clock, log } = this.#ports;
    const { target, timeouts } = this.#config;
    return groups.map((group) =>
      new Registration(group, target, { elb, clock, log, times: timeouts })
    );
  }

  /** From registering to deregistered: whatever happens in between, the end of the scope runs. */
  async stay(registrations: readonly Registration[]): Promise<Ending> {
    await using _ = together(registrations);
    try {
      await this.#register(registrations);
      await this.#waitInService(registrations);
      await this.#postRegister(registrations);
      await this.#serve();
      await this.#preDeregister(registrations);
      return { exit: "done", sentence: "stopped: the target is deregistered" };
    } catch (reason) {
      return this.endingOf(reason, "stopped: the target is deregistered");
    }
  }

  /** What is left to do and to say when all registrations have ended. */
  async leave(registrations: readonly Registration[], ending: Ending): Promise<Ending> {
    const departures = registrations.map((registration) => registration.departure);
    if (departures.every(({ outcome }) => outcome === "never-registered")) {
      if (ending.exit !== "done") return ending;
      return { exit: "done", sentence: "stopped before anything was registered" };
    }
    const groups = registrations.map((registration) => registration.group);
    await this.#hookEnd;
    await this.#hook("post-deregister", groups, this.#ports.signals.hurry);
    const left = registrations.filter(({ departure }) => departure.outcome === "unconfirmed");
    return left.length === 0 ? ending : unconfirmed(left);
  }

  endingOf(reason: unknown, stopped: string): Ending {
    if (reason instanceof StopRequested && reason.cause === undefined) {
      return { exit: "done", sentence: stopped };
    }
    if (reason instanceof Failure) return { exit: reason.exit, sentence: reason.message };
    const fault = reason instanceof StopRequested ? reason.cause : reason;
    return { exit: "fault", sentence: `unexpected fault: ${String(fault)}` };
  }

  /** All groups side by side; one that fails ends the attempts for the others. */
  async #register(registrations: readonly Registration[]): Promise<void> {
    const { stop } = this.#ports.signals;
    const givenUp = new AbortController();
    const attempts = registrations.map((registration) =>
      registration.register(stop, givenUp.signal)
    );
    try {
      await Promise.all(attempts);
    } catch (reason) {
      givenUp.abort(reason);
      await Promise.allSettled(attempts);
      if (!(reason instanceof ApiFault)) throw reason;
      const waited = reason.retryable
        ? ` (tried for ${durationText(this.#config.timeouts.register)}, -register-timeout)`
        : "";
      throw new Failure("notRegistered", `not registered: ${reason.message}${waited}`);
    }
  }

  async #waitInService(registrations: readonly Registration[]): Promise<void> {
    const { wait, timeout, required } = this.#config.inService;
    if (!wait) return;
    const { elb, clock, log, signals } = this.#ports;
    const options = { elb, clock, log, time: timeout, stop: signals.stop };
    const faults = await Promise.all(
      registrations.map(({ group, target }) => waitInService(group, target, options)),
    );
    const fault = faults.find((fault) => fault !== undefined);
    if (fault === undefined) return;
    if (required) {
      throw new Failure("notRegistered", `not in service (-require-in-service): ${fault}`);
    }
    log.warn(`not in service; the sidecar goes on all the same: ${fault}`);
  }

  /** A stop does not wait for the hook to end: that goes on beside deregistering. */
  async #postRegister(registrations: readonly Registration[]): Promise<void> {
    const { stop } = this.#ports.signals;
    this.#hookEnd = this.#hook("post-register", registrations.map(({ group }) => group), stop);
    await abortable(this.#hookEnd, stop);
    stop.throwIfAborted();
  }

  async #serve(): Promise<void> {
    const { log, signals } = this.#ports;
    log.info("serving until a stop signal comes");
    await sleep(signals.stop);
    const { reason } = signals.stop;
    // A fault that nobody caught ends the life in order, but as a fault.
    if (reason instanceof StopRequested && reason.cause !== undefined) throw reason;
  }

  async #preDeregister(registrations: readonly Registration[]): Promise<void> {
    const groups = registrations.map(({ group }) => group);
    await this.#hook("pre-deregister", groups, this.#ports.signals.hurry);
  }

  async #hook(
    event: HookEvent,
    groups: readonly Group[],
    signal: AbortSignal,
  ): Promise<HookResult> {
    if (signal.aborted) return { outcome: "cut-short" };
    return await this.#ports.hooks.run({
      event,
      targetId: this.#config.target.id,
      targetGroupArns: groups.map(({ arn }) => arn),
    }, signal);
  }
}

/** Ends all registrations at once: one that hangs does not hold back the others. */
function together(registrations: readonly Registration[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(registrations.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

function unconfirmed(left: readonly Registration[]): Ending {
  const each = left.map(({ group, target, departure }) => {
    const why = departure.outcome === "unconfirmed" ? `: ${departure.reason}` : "";
    return `${target.id} in ${group.arn}${why}`;
  });
  return {
    exit: "deregistrationNotConfirmed",
    sentence: `it could not be confirmed that this target is deregistered: ${each.join("; ")}; ` +
      "see `aws elbv2 describe-target-health`, and deregister it by hand if it is listed",
  };
}
