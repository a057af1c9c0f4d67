/**
 * As much of `node:http` as the AWS SDK uses: requests to the node's metadata service. They go by
 * `fetch`, follow no redirect, and read a bounded part of the reply.
 */
import { textOf } from "../../../lib/host/reply.ts";

/** What the SDK asks for. Times are in milliseconds. */
interface RequestOptions {
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

type Listener = (value?: unknown) => void;

/** One listener for each event is all that the SDK has. */
class Emitter {
  readonly #listeners = new Map<string, Listener>();

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, listener);
    return this;
  }

  protected emit(event: string, value?: unknown): void {
    this.#listeners.get(event)?.(value);
  }
}

class Reply extends Emitter {
  constructor(readonly statusCode: number) {
    super();
  }

  read(text: string): void {
    this.emit("data", new TextEncoder().encode(text));
    this.emit("end");
  }
}

class Request extends Emitter {
  readonly #options: RequestOptions;
  readonly #ended = new AbortController();

  constructor(options: RequestOptions) {
    super();
    this.#options = options;
  }

  destroy(): void {
    this.#ended.abort();
  }

  async end(): Promise<void> {
    const { hostname, port, path, method = "GET", headers = {}, timeout = 1_000 } = this.#options;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    const time = AbortSignal.timeout(timeout);
    try {
      const response = await fetch(`http://${host}${port === undefined ? "" : `:${port}`}${path}`, {
        method,
        headers,
        redirect: "manual",
        signal: AbortSignal.any([time, this.#ended.signal]),
      });
      const text = await textOf(response);
      const reply = new Reply(response.status);
      this.emit("response", reply);
      reply.read(text);
    } catch (error) {
      if (!this.#ended.signal.aborted) this.emit(time.aborted ? "timeout" : "error", error);
    }
  }
}

/** Makes a request; `end` sends it. */
export function request(options: RequestOptions): Request {
  return new Request(options);
}

export default { request };
