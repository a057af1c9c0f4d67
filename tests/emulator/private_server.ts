/** A private certificate authority, and a server of its that hands on to a plain one. */
import { outputOf } from "../../tools/process.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

/** A server's certificate, and whose it is. */
export interface Certificates {
  /** The file with the authority's certificate. */
  readonly authority: string;
  readonly server: { readonly cert: string; readonly key: string };
}

/** Makes an authority in the folder, and a certificate of its for the loopback address. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const openssl = (args: readonly string[]) => outputOf("openssl", args, { cwd: folder });
  const options = ["-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=private"];
  await openssl(["req", "-x509", ...KEY, ...options]);
  await openssl([
    ...["req", "-x509", ...KEY, "-keyout", "server.key", "-out", "server.pem"],
    ...["-subj", "/CN=server", "-CA", "authority.pem", "-CAkey", "authority.key"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
  ]);
  const authority = `${folder}/authority.pem`;
  await Deno.chmod(authority, 0o644);
  const [cert, key] = await Promise.all([
    Deno.readTextFile(`${folder}/server.pem`),
    Deno.readTextFile(`${folder}/server.key`),
  ]);
  return { authority, server: { cert, key } };
}

/** Ends TLS, byte for byte: a connection that the plain server closes is closed here too. */
export class PrivateServer implements Disposable {
  readonly #listener: Deno.TlsListener;

  private constructor(
    /** The file with the authority's certificate. */
    readonly authority: string,
    listener: Deno.TlsListener,
    port: number,
  ) {
    this.#listener = listener;
    void this.#serve(port);
  }

  get url(): string {
    return `https://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** @param folder Where the certificates are put. */
  static async start(folder: string, plainUrl: string): Promise<PrivateServer> {
    const { authority, server } = await makeCertificates(folder);
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...server });
    return new PrivateServer(authority, listener, Number(new URL(plainUrl).port));
  }

  async #serve(port: number): Promise<void> {
    for await (const client of this.#listener) {
      // A client that does not trust this server goes away before it has sent anything.
      handOn(client, port).catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

async function handOn(client: Deno.TlsConn, port: number): Promise<void> {
  const server = await Deno.connect({ hostname: "127.0.0.1", port });
  await Promise.allSettled([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ]);
}
