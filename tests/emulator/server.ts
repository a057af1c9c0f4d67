/** The emulator: a server that behaves as the load balancer API does, and can be made to fail. */
import { STATIC_KEY } from "./access_keys.ts";
import { Core } from "./core.ts";
import type { Emulator, EmulatorOptions, RunningGroup } from "./emulator.ts";
import type { Call, EmulatorEvent } from "./events.ts";
import { assertFaultRule } from "./fault_rules.ts";
import type { FaultRule } from "./faults.ts";
import type { Registration } from "./groups.ts";
import { listen } from "./http.ts";
import type { HttpServer } from "./http.ts";
import type { Traffic } from "./listener.ts";
import type { Target, TargetState } from "./states.ts";
import type { Trust } from "./sts.ts";

/**
 * Starts an emulator on the loopback address.
 * @throws {RangeError} Where a group or fault of the options cannot be.
 * @throws {Error} Where a port is taken.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const core = new Core(options);
  try {
    await core.open();
    const server = await listen(options.port ?? 0, (exchange) => core.handle(exchange));
    return new RunningEmulator(core, server);
  } catch (error) {
    await core[Symbol.asyncDispose]();
    throw error;
  }
}

class RunningEmulator implements Emulator {
  readonly #core: Core;
  readonly #server: HttpServer;

  constructor(core: Core, server: HttpServer) {
    this.#core = core;
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get region(): string {
    return this.#core.region;
  }

  get trust(): Trust {
    return this.#core.trust;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      AWS_REGION: this.region,
      AWS_ENDPOINT_URL: this.url,
      AWS_ACCESS_KEY_ID: STATIC_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STATIC_KEY.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  get groups(): readonly RunningGroup[] {
    return this.#core.groups.map((group) => {
      const port = this.#core.listeners.get(group)?.port;
      const named = { name: group.settings.name, arn: group.arn };
      return port === undefined ? named : { ...named, port };
    });
  }

  get calls(): readonly Call[] {
    return this.#core.calls;
  }

  get events(): readonly EmulatorEvent[] {
    return this.#core.events.all;
  }

  arn(group: string): string {
    return this.#core.group(group).arn;
  }

  targets(group: string): readonly Registration[] {
    return this.#core.group(group).members;
  }

  registered(group: string): readonly Registration[] {
    return this.targets(group).filter(({ state }) => state !== "draining");
  }

  traffic(group: string): Traffic {
    const listener = this.#core.listeners.get(this.#core.group(group));
    if (listener === undefined) throw new RangeError(`Target group "${group}" has no listener`);
    return listener.traffic;
  }

  next(fits: (event: EmulatorEvent) => boolean, signal?: AbortSignal): Promise<EmulatorEvent> {
    return this.#core.events.next(fits, signal);
  }

  seen(fits: (event: EmulatorEvent) => boolean, signal?: AbortSignal): Promise<EmulatorEvent> {
    const past = this.events.find(fits);
    return past === undefined ? this.next(fits, signal) : Promise.resolve(past);
  }

  listen(listener: (event: EmulatorEvent) => void): () => void {
    return this.#core.events.listen(listener);
  }

  async settled(): Promise<void> {
    await this.#allArrived();
    const { undecided } = this.#core;
    while (undecided.size > 0) await Promise.all([...undecided].map((call) => call.decided));
  }

  addFault(rule: FaultRule): void {
    assertFaultRule(rule);
    this.#core.faults.add(rule);
  }

  clearFaults(): void {
    this.#core.faults.clear();
  }

  release(): void {
    this.#core.release();
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  silenceConnections(): void {
    this.#server.silenceConnections();
  }

  setHealth(group: string, target: Target, state: TargetState): void {
    this.#core.group(group).setHealth(target, state);
  }

  registerByOther(group: string, target: Target): void {
    this.#core.group(group).register(target);
  }

  deregisterByOther(group: string, target: Target): void {
    this.#core.group(group).deregister(target);
  }

  async deleteGroup(group: string): Promise<void> {
    await this.#core.delete(this.#core.group(group));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  /**
   * Waits until the requests that clients have sent are read: those that were sent before this
   * connection was made are read before its reply comes.
   */
  async #allArrived(): Promise<void> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#server.port });
    try {
      await connection.write(new TextEncoder().encode("GET /settled HTTP/1.0\r\n\r\n"));
      await connection.read(new Uint8Array(1024));
    } finally {
      connection.close();
    }
  }
}
