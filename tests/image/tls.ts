/** A private certificate authority, and a server of its that hands on to a plain one. */
import { outputOf } from "../../tools/process.ts";

/** What OpenSSL has to be told to make a certificate for the loopback address. */
const SUBJECT = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];

export class PrivateServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly authority: string, server: Deno.HttpServer<Deno.NetAddr>) {
    this.#server = server;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server.addr.port}`;
  }

  /** @param folder Where the certificates are put. */
  static async start(folder: string, plainUrl: string): Promise<PrivateServer> {
    const [key, certificate] = [`${folder}/key.pem`, `${folder}/authority.pem`];
    // Signed by itself: its own authority, which no system knows.
    await outputOf("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "2", "-keyout", key, "-out", certificate, ...SUBJECT],
    ]);
    await Deno.chmod(certificate, 0o644);
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: await Deno.readTextFile(certificate),
      key: await Deno.readTextFile(key),
      onListen: () => {},
    }, async (request) => {
      const { pathname, search } = new URL(request.url);
      return await fetch(plainUrl + pathname + search, {
        method: request.method,
        headers: request.headers,
        body: await request.text(),
      });
    });
    return new PrivateServer(certificate, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
