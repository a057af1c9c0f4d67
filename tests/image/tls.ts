/** A private certificate authority, and a server of its that hands on to a plain one. */
import { outputOf } from "../../tools/process.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

/** Makes an authority, and a certificate of its for the loopback address. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (args: readonly string[]) => outputOf("openssl", args, { cwd: folder });
  const authority = ["-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=private"];
  await openssl(["req", "-x509", ...KEY, ...authority]);
  await openssl([
    ...["req", "-x509", ...KEY, "-keyout", "server.key", "-out", "server.pem"],
    ...["-subj", "/CN=server", "-CA", "authority.pem", "-CAkey", "authority.key"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
  ]);
}

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
    await makeCertificates(folder);
    const authority = `${folder}/authority.pem`;
    await Deno.chmod(authority, 0o644);
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: await Deno.readTextFile(`${folder}/server.pem`),
      key: await Deno.readTextFile(`${folder}/server.key`),
      onListen: () => {},
    }, async (request) => {
      const { pathname, search } = new URL(request.url);
      return await fetch(plainUrl + pathname + search, {
        method: request.method,
        headers: request.headers,
        body: await request.text(),
      });
    });
    return new PrivateServer(authority, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
