/** What docs/fit.md says of proxies in front of the application, where they are installed. */
import { assertEquals, assertMatch } from "@std/assert";
import { test } from "../test.ts";

interface Proxy {
  readonly program: string;
  /** What its image's STOPSIGNAL is, which the kubelet sends. */
  readonly signal: Deno.Signal;
  readonly args: (file: string) => string[];
  readonly config: (given: Given) => string;
}

interface Given {
  /** A new one; NGINX deletes its file of the process's id when it ends. */
  readonly folder: string;
  /** Where the proxy listens, and the service behind it. */
  readonly proxy: number;
  readonly service: number;
}

const PROXIES: readonly Proxy[] = [
  {
    program: "nginx",
    signal: "SIGQUIT",
    args: (file) => ["-c", file, "-g", "daemon off;"],
    config: ({ folder, proxy, service }) => `
      error_log stderr; pid ${folder}/pid; events {}
      http {
        access_log off; keepalive_timeout 600;
        server {
          listen 127.0.0.1:${proxy};
          location / { proxy_pass http://127.0.0.1:${service}; }
        }
      }`,
  },
  {
    program: "haproxy",
    signal: "SIGUSR1",
    args: (file) => ["-db", "-f", file],
    config: ({ proxy, service }) => `
defaults
  mode http
  timeout client 600s
  timeout server 600s
  timeout connect 5s
frontend in
  bind 127.0.0.1:${proxy}
  default_backend out
backend out
  server one 127.0.0.1:${service}
`,
  },
];

function isInstalled(program: string): boolean {
  const args = ["-c", `command -v ${program}`];
  return new Deno.Command("sh", { args, stdout: "null" }).outputSync().success;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Connects as soon as the proxy listens, and sends a request. */
async function ask(port: number, path: string): Promise<Deno.TcpConn> {
  for (;;) {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      return connection;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
  }
}

async function next(connection: Deno.TcpConn): Promise<string | undefined> {
  const buffer = new Uint8Array(4_096);
  const count = await connection.read(buffer);
  return count === null ? undefined : new TextDecoder().decode(buffer.subarray(0, count));
}

for (const { program, signal, args, config } of PROXIES) {
  test(`${program} ends idle connections at ${signal}, and answers what is in flight`, async () => {
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    await using service = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        if (!request.url.endsWith("/slow")) return new Response("ok");
        asked.resolve();
        await released.promise;
        return new Response("slow");
      },
    );
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const file = `${folder}/config`;
    await Deno.writeTextFile(file, config({ folder, proxy: port, service: service.addr.port }));
    const child = new Deno.Command(program, { args: args(file), stderr: "null", stdout: "null" })
      .spawn();
    using idle = await ask(port, "/");
    assertMatch(await next(idle) ?? "", /^HTTP\/1.1 200/);
    using busy = await ask(port, "/slow");
    await asked.promise;
    child.kill(signal);
    assertEquals(await next(idle), undefined);
    released.resolve();
    assertMatch(await next(busy) ?? "", /^HTTP\/1.1 200[\s\S]*slow/);
    assertEquals((await child.status).code, 0);
    await Deno.remove(folder, { recursive: true });
  }, { ignore: !isInstalled(program) });
}
