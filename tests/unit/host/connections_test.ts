import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Connections, openConnections } from "../../../lib/host/connections.ts";

function open(): Connections {
  const opened = openConnections();
  if ("warning" in opened) throw new Error(opened.warning);
  return opened.connections;
}

/** Clients of a listener, each from an address of its own choice. */
class Clients implements AsyncDisposable {
  readonly #ends: Deno.Conn[] = [];
  readonly #listener: Deno.TcpListener;

  constructor(hostname: string) {
    this.#listener = Deno.listen({ hostname, port: 0 });
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connects, and waits until the application has the connection. */
  async connect(from: string, to: string): Promise<{ client: Socket; server: Deno.Conn }> {
    const { connect } = await import("node:net");
    const accepted = this.#listener.accept();
    const socket = connect({ host: to, port: this.port, localAddress: from });
    const server = await accepted;
    this.#ends.push(server);
    this.#sockets.push(socket);
    return { client: socket, server };
  }

  readonly #sockets: Socket[] = [];

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#ends) close(end);
    await Promise.all(this.#sockets.map((socket) =>
      new Promise<void>((resolve) => {
        if (socket.closed) return resolve();
        socket.once("close", () => resolve());
        socket.destroy();
      })
    ));
  }
}

type Socket = import("node:net").Socket;

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch { /* The test has closed it. */ }
}

const OUTSIDE = "127.7.0.53";
const TARGET = "127.7.0.1";

Deno.test("connections from outside the pod count, those of the pod itself do not", async () => {
  using connections = open();
  await using clients = new Clients(TARGET);
  const { port } = clients;
  assertEquals(connections.count(TARGET, port), 0);
  await clients.connect(OUTSIDE, TARGET);
  await clients.connect("127.0.0.2", TARGET);
  assertEquals(connections.count(TARGET, port), 2);
  await clients.connect("127.0.0.1", TARGET);
  await clients.connect(TARGET, TARGET);
  assertEquals(connections.count(TARGET, port), 2);
});

Deno.test("other ports and other addresses of the pod do not count", async () => {
  using connections = open();
  await using clients = new Clients("0.0.0.0");
  await clients.connect(OUTSIDE, TARGET);
  await clients.connect(OUTSIDE, "127.7.0.2");
  assertEquals(connections.count(TARGET, clients.port), 1);
  assertEquals(connections.count("127.7.0.3", clients.port), 0);
  assertEquals(connections.count(TARGET, clients.port + 1), 0);
});

Deno.test("an application on both families has IPv4 clients too, as IPv4-mapped addresses", async () => {
  using connections = open();
  await using clients = new Clients("::");
  await clients.connect(OUTSIDE, TARGET);
  await clients.connect("127.0.0.1", TARGET);
  await clients.connect(TARGET, TARGET);
  assertEquals(connections.count(TARGET, clients.port), 1);
  assertEquals(connections.count(`::ffff:${TARGET}`, clients.port), 1);
});

Deno.test("a client from ::1 is the pod itself", async () => {
  using connections = open();
  await using clients = new Clients("::1");
  await clients.connect("::1", "::1");
  assertEquals(connections.count("::1", clients.port), 0);
});

Deno.test("a client that has shut down its side is served still; one that is done is not", async () => {
  using connections = open();
  await using clients = new Clients(TARGET);
  const { client, server } = await clients.connect(OUTSIDE, TARGET);
  client.end();
  // The client's end has arrived: CLOSE_WAIT.
  assertEquals(await server.read(new Uint8Array(1)), null);
  assertEquals(connections.count(TARGET, clients.port), 1);
  const closed = new Promise((resolve) => client.once("close", resolve));
  server.close();
  client.resume();
  await closed;
  assertEquals(connections.count(TARGET, clients.port), 0);
});

Deno.test("a client that waits to be accepted counts", async () => {
  using connections = open();
  using listener = Deno.listen({ hostname: TARGET, port: 0 });
  const { connect } = await import("node:net");
  const from = { host: TARGET, port: listener.addr.port, localAddress: OUTSIDE };
  const socket = connect(from);
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  assertEquals(connections.count(TARGET, listener.addr.port), 1);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
});

/** The table of the kernel (net/ipv4/tcp_ipv4.c): lines of one length. */
const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid" +
  "  timeout inode                                                     \n";
const TAIL =
  "00000000:00000000 00:00000000 00000000     0        0 6141152 1 00000000 20 4 30 10 -1";

function line(index: number, local: string, remote: string, state: string): string {
  return `${String(index).padStart(4)}: ${local} ${remote} ${state} ${TAIL}`.padEnd(149) + "\n";
}

/** A table in a file; `tcp6` is empty unless it is given. */
async function openTable(tcp: string, tcp6 = ""): Promise<Connections> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/tcp`, tcp);
  await Deno.writeTextFile(`${folder}/tcp6`, tcp6);
  const opened = openConnections({ tcp: `${folder}/tcp`, tcp6: `${folder}/tcp6` });
  await Deno.remove(folder, { recursive: true });
  if ("warning" in opened) throw new Error(opened.warning);
  return opened.connections;
}

// 10.1.2.3:8080, from 10.9.8.7.
const LOCAL = "0302010A:1F90";
const REMOTE = "0708090A:C350";

const STATES: readonly [string, string, number][] = [
  ["01", "ESTABLISHED", 1],
  ["02", "SYN_SENT", 0],
  ["03", "SYN_RECV", 1],
  ["04", "FIN_WAIT1", 1],
  ["05", "FIN_WAIT2", 1],
  ["06", "TIME_WAIT", 0],
  ["07", "CLOSE", 0],
  ["08", "CLOSE_WAIT", 1],
  ["09", "LAST_ACK", 1],
  ["0A", "LISTEN", 0],
  ["0B", "CLOSING", 1],
  ["0C", "NEW_SYN_RECV", 1],
];

for (const [code, state, count] of STATES) {
  Deno.test(`a connection in ${state} ${count === 1 ? "counts" : "does not count"}`, async () => {
    using connections = await openTable(HEAD + line(0, LOCAL, REMOTE, code));
    assertEquals(connections.count("10.1.2.3", 8080), count);
  });
}

Deno.test("IPv6 and IPv4-mapped connections count by the same rules", async () => {
  const target = "B80D0120000000000000000007000000"; // 2001:db8::7
  const client = "B80D0120000000000000000008000000";
  const mapped = (ipv4: string) => `0000000000000000FFFF0000${ipv4}`;
  const LOOPBACK = "00000000000000000000000001000000";
  using connections = await openTable(
    HEAD + line(0, LOCAL, REMOTE, "01"),
    HEAD + [
      line(0, `${target}:1F90`, `${client}:C350`, "01"),
      line(1, `${target}:1F90`, `${target}:C350`, "01"),
      line(2, `${target}:1F90`, `${LOOPBACK}:C350`, "01"),
      line(3, `${client}:1F90`, `${target}:C350`, "01"),
      line(4, mapped(LOCAL), mapped(REMOTE), "01"),
      line(5, mapped(LOCAL), mapped("0100007F:C350"), "01"),
      line(6, mapped(LOCAL), mapped("0302010A:C350"), "01"),
      line(7, `${LOOPBACK}:1F90`, `${client}:C350`, "01"),
    ].join(""),
  );
  assertEquals(connections.count("2001:db8::7", 8080), 1);
  assertEquals(connections.count("2001:0DB8:0::7", 8080), 1);
  assertEquals(connections.count("10.1.2.3", 8080), 2);
  assertEquals(connections.count("::1", 8080), 1);
});

Deno.test("50,000 connections are counted, again and again", async () => {
  let table = HEAD;
  for (let index = 0; index < 50_000; index++) {
    // Every fifth is the target's, and of these every second is over.
    const local = index % 5 === 0 ? LOCAL : "0302010A:1F91";
    table += line(index, local, REMOTE, index % 2 === 0 ? "01" : "06");
  }
  using connections = await openTable(table);
  for (let time = 0; time < 3; time++) {
    assertEquals(connections.count("10.1.2.3", 8080), 5_000);
  }
});

Deno.test("a table that ends in the middle of a line, or is empty, is no fault", async () => {
  const whole = HEAD + line(0, LOCAL, REMOTE, "01");
  for (const table of ["", HEAD, whole + line(1, LOCAL, REMOTE, "01").slice(0, 40), whole + "\n"]) {
    using connections = await openTable(table);
    assertEquals(connections.count("10.1.2.3", 8080), table.startsWith(whole) ? 1 : 0);
  }
});

Deno.test("what is no address is not counted as idle", async () => {
  using connections = await openTable(HEAD);
  assertThrows(() => connections.count("i-0123456789abcdef0", 8080), TypeError);
});

Deno.test("without IPv6 in the kernel the table of IPv4 is enough", () => {
  const opened = openConnections({ tcp: "/proc/net/tcp", tcp6: "/nowhere/tcp6" });
  assert("connections" in opened);
  opened.connections[Symbol.dispose]();
});

Deno.test("where there are no tables, that is a warning", () => {
  const opened = openConnections({ tcp: "/nowhere/tcp", tcp6: "/nowhere/tcp6" });
  assert("warning" in opened);
  assertStringIncludes(opened.warning, "the pod's connections cannot be counted: /nowhere/tcp");
});

const MODULE = new URL("../../../lib/host/connections.ts", import.meta.url).href;

/** Another process's output: permissions are a process's. */
async function output(permissions: readonly string[], code: string): Promise<string> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, `import { openConnections } from "${MODULE}";\n${code}`);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", ...permissions, script],
  }).output();
  await Deno.remove(script);
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("the tables stay readable when all permissions were given back", async () => {
  await using clients = new Clients(TARGET);
  await clients.connect(OUTSIDE, TARGET);
  const text = await output(
    ["-A"],
    `const { connections } = openConnections();
    for (const name of ["read", "write", "net", "env", "run", "sys", "ffi", "import"]) {
      Deno.permissions.revokeSync({ name });
    }
    const { state } = Deno.permissions.querySync({ name: "read" });
    const counts = [1, 2].map(() => connections.count("${TARGET}", ${clients.port}));
    console.log(state, ...counts);`,
  );
  assertEquals(text.trim(), "prompt 1 1");
});

Deno.test("without all permissions there is a warning that says what is missing", async () => {
  const text = await output(
    ["--allow-read", "--allow-net"],
    "console.log(openConnections().warning)",
  );
  assertStringIncludes(text, "/proc/net/tcp cannot be opened (Deno opens it with all permissions");
});
