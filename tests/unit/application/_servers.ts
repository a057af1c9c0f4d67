/** Applications that behave in some way: in virtual time, and on real sockets. */
import type { Answer, Probe } from "../../../lib/application/probe.ts";
import type { ApplicationAddress } from "../../../lib/config/addresses.ts";
import { sleep } from "../../../lib/host/clock.ts";
import type { VirtualClock } from "../../simulation/clock.ts";

export const READY: Answer = { outcome: "ready" };
export const REFUSED: Answer = { outcome: "refused", reason: "connection refused" };
export const BUSY: Answer = { outcome: "unready", reason: "status 503" };

/** What an address answers at a moment; silent: nothing, until the check is given up. */
export type Script = (url: string, now: number) => Answer | "silent";

/** A probe that notes when it checked each address. */
export function scriptedProbe(
  clock: VirtualClock,
  script: Script,
  checks: Record<string, number[]>,
): Probe {
  return async ({ url }, signal) => {
    (checks[url] ??= []).push(clock.now());
    const given = script(url, clock.now());
    if (given !== "silent") return given;
    await sleep(signal);
    return { outcome: "unready", reason: "no answer in time" };
  };
}

export function tcpAddress(port: number, hostname = "127.0.0.1"): ApplicationAddress {
  return { kind: "tcp", url: `tcp://${hostname}:${port}`, hostname, port };
}

export function httpAddress(port: number, path = "/", scheme = "http"): ApplicationAddress {
  return { kind: "http", url: `${scheme}://127.0.0.1:${port}${path}` };
}

/** A port on which nobody listens. */
export function deadPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Accepts connections and does something with each. */
export class Acceptor implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done: Promise<void>;

  constructor(serve: (connection: Deno.TcpConn) => Promise<void>) {
    this.#done = this.#accept(serve);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(serve: (connection: Deno.TcpConn) => Promise<void>): Promise<void> {
    const serving: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) {
        serving.push(serve(connection).finally(() => connection.close()));
      }
    } finally {
      await Promise.all(serving);
    }
  }

  /** Ends only when the other sides of all connections are closed, where `serve` waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

/** Reads until the other side closes. */
export async function untilClosed(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1_024);
  while (await connection.read(buffer).catch(() => null) !== null);
}

/** A certificate that nobody has signed but itself; undefined where there is no openssl. */
export async function selfSigned(): Promise<{ cert: string; key: string } | undefined> {
  const args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 " +
    "-subj /CN=elsewhere.example -keyout - -out -";
  try {
    const { stdout } = await new Deno.Command("openssl", {
      args: args.split(" "),
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const of = (what: string) =>
      new RegExp(`-----BEGIN ${what}-----[\\s\\S]*?-----END ${what}-----`).exec(text)?.[0] ?? "";
    return { cert: of("CERTIFICATE"), key: of("PRIVATE KEY") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
