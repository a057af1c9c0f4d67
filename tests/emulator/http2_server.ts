/** A server that speaks HTTP/2 before a plain one: all requests of a client share a connection. */
import { makeCertificates } from "./private_server.ts";
import type { Certificates } from "./private_server.ts";

/** Forwards each request, until the connection that it came by is made silent. */
export class Http2Server implements AsyncDisposable {
  /** The file with the authority's certificate. */
  readonly authority: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #end = new AbortController();
  /** The client's port of each connection that brought a request. */
  readonly #connections = new Set<number>();
  readonly #silent = new Set<number>();

  private constructor({ authority, server }: Certificates, plainUrl: string) {
    this.authority = authority;
    this.#server = Deno.serve({
      ...{ hostname: "127.0.0.1", port: 0, onListen: () => {}, ...server },
      signal: this.#end.signal,
    }, (request, { remoteAddr }) => this.#forward(request, remoteAddr.port, plainUrl));
  }

  /** @param folder Where the certificates are put. */
  static async start(folder: string, plainUrl: string): Promise<Http2Server> {
    return new Http2Server(await makeCertificates(folder), plainUrl);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server.addr.port}`;
  }

  /** How many connections have brought requests. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Answers no more requests on the connections of until now; new ones work. */
  silenceConnections(): void {
    for (const connection of this.#connections) this.#silent.add(connection);
  }

  async #forward(request: Request, connection: number, plainUrl: string): Promise<Response> {
    this.#connections.add(connection);
    if (this.#silent.has(connection)) return await new Promise<never>(() => {});
    const { pathname, search } = new URL(request.url);
    return await fetch(plainUrl + pathname + search, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: request.signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#server.finished;
  }
}
