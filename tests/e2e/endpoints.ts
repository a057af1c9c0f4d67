/** Endpoints that do what the emulator does not: say nothing, or quote what they got. */

/** Takes connections and never says a word. */
export class SilentEndpoint implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: AGENT, port: 0 });
  readonly #connections: Deno.TcpConn[] = [];
  readonly #called = Promise.withResolvers<void>();
  readonly #accepting = this.#accept();

  get url(): string {
    return urlOf(this.#listener);
  }

  /** Ends at the first connection. */
  get called(): Promise<void> {
    return this.#called.promise;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      this.#called.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#connections) tryClose(connection);
  }
}

/** An address of the loopback that the SDK does not know by name, like 169.254.170.23. */
const AGENT = "127.0.0.2";

/** A port of the agent's address at which nobody listens for now. */
export function quietPort(): Deno.TcpListenOptions & { readonly url: string } {
  using listener = Deno.listen({ hostname: AGENT, port: 0 });
  return { hostname: AGENT, port: listener.addr.port, url: urlOf(listener) };
}

function urlOf(listener: Deno.TcpListener): string {
  return `http://${listener.addr.hostname}:${listener.addr.port}`;
}

function tryClose(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}

/** Refuses every call, and quotes it in the error's message, as AWS does now and then. */
export class QuotingApi implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #lastQuote = "";

  /** @param say What its message begins with. */
  constructor(code: string, say = "") {
    this.#server = Deno.serve({ hostname: AGENT, port: 0, onListen: () => {} }, async (request) => {
      const headers = [...request.headers].map(([name, value]) => `${name}:${value}`);
      const body = await request.text();
      this.#lastQuote = [
        `${say}'${
          request.headers.get("x-amz-security-token")
        }' not a valid key=value pair (missing ` +
        `equal-sign) in Authorization header: '${request.headers.get("authorization")}'.`,
        "The Canonical String for this request should have been",
        ...headers,
        body,
      ].join("\n");
      const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${
        escaped(this.#lastQuote)
      }</Message></Error>`;
      return new Response(`<ErrorResponse>${error}<RequestId>1</RequestId></ErrorResponse>`, {
        status: 403,
        headers: { "content-type": "text/xml" },
      });
    });
  }

  get url(): string {
    return `http://${this.#server.addr.hostname}:${this.#server.addr.port}`;
  }

  /** The message of the last reply. */
  get lastQuote(): string {
    return this.#lastQuote;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
