import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { connect as connectFrom, type Socket } from "node:net";
import { type Connections, openConnections } from "../../../lib/host/connections.ts";

/** Opens tables, by default the kernel's own. */
function open(...[tcp, tcp6 = "", counters = ""]: readonly string[]): Connections {
  const warnings: string[] = [];
  const opened = openConnections(
    (warning) => warnings.push(warning),
    ...(tcp === undefined ? [] : [[tcp, tcp6, counters]] as const),
  );
  if (opened === undefined) throw new Error(warnings.join());
  return opened;
}

/** Clients of a listener, each from an address of its own choice. */
class Clients implements AsyncDisposable {
  readonly #open = new AsyncDisposableStack();
  readonly #listener: Deno.TcpListener;

  constructor(hostname: string) {
    this.#listener = this.#open.use(Deno.listen({ hostname, port: 0 }));
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connects; `server` is the application's end, once it is accepted. */
  async connect(from: string, to: string): Promise<{ client: Socket; server: Deno.Conn }> {
    const [client, server] = await Promise.all([
      this.#dial(from, to),
      this.#listener.accept(),
    ]);
    this.#open.defer(() => close(server));
    return { client, server };
  }

  /** Connects, and is not accepted. */
  async knock(from: string, to: string): Promise<void> {
    await this.#dial(from, to);
  }

  async #dial(from: string, to: string): Promise<Socket> {
    const socket = connectFrom({ host: to, port: this.port, localAddress: from });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.#open.defer(() => {
      socket.destroy();
      return closed;
    });
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch { /* The test has closed it. */ }
}

const OUTSIDE = "127.7.0.53";
const TARGET = "127.7.0.1";

/** What a pod's clients count as: where the application listens, who connects to where. */
const CLIENTS: readonly {
  readonly name: string;
  readonly listens: string;
  readonly clients: readonly (readonly [from: string, to: string])[];
  readonly counts: Readonly<Record<string, number>>;
}[] = [
  {
    name: "those from outside the pod count, those of the pod itself do not",
    listens: TARGET,
    clients: [[OUTSIDE, TARGET], ["127.0.0.2", TARGET], ["127.0.0.1", TARGET], [TARGET, TARGET]],
    counts: { [TARGET]: 2 },
  },
  {
    name: "those to other addresses of the pod do not count",
    listens: "0.0.0.0",
    clients: [[OUTSIDE, TARGET], [OUTSIDE, "127.7.0.2"]],
    counts: { [TARGET]: 1, "127.7.0.3": 0 },
  },
  {
    name: "an application on both families has IPv4 clients as IPv4-mapped addresses",
    listens: "::",
    clients: [[OUTSIDE, TARGET], ["127.0.0.1", TARGET], [TARGET, TARGET]],
    counts: { [TARGET]: 1 },
  },
  {
    name: "a client from ::1 is the pod itself",
    listens: "::1",
    clients: [["::1", "::1"]],
    counts: { "::1": 0 },
  },
];

for (const { name, listens, clients: all, counts } of CLIENTS) {
  Deno.test(`real connections: ${name}`, async () => {
    using connections = open();
    await using clients = new Clients(listens);
    for (const [from, to] of all) await clients.connect(from, to);
    for (const [target, count] of Object.entries(counts)) {
      assertEquals(connections.count([{ id: target, port: clients.port }]), count, target);
      assertEquals(connections.count([{ id: target, port: clients.port + 1 }]), 0, "another port");
    }
  });
}

Deno.test("a client counts until both sides are done, before it is accepted too", async () => {
  using connections = open();
  await using clients = new Clients(TARGET);
  const count = () => connections.count([{ id: TARGET, port: clients.port }]);
  const { client, server } = await clients.connect(OUTSIDE, TARGET);
  client.end();
  // The client's end has arrived: CLOSE_WAIT.
  assertEquals(await server.read(new Uint8Array(1)), null);
  assertEquals(count(), 1);
  const closed = new Promise((resolve) => client.once("close", resolve));
  server.close();
  client.resume();
  await closed;
  assertEquals(count(), 0);
  await clients.knock(OUTSIDE, TARGET);
  assertEquals(count(), 1);
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
function openTable(tcp: string, tcp6 = ""): Connections {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/tcp`, tcp);
  Deno.writeTextFileSync(`${folder}/tcp6`, tcp6);
  const opened = open(`${folder}/tcp`, `${folder}/tcp6`, `${folder}/snmp`);
  Deno.removeSync(folder, { recursive: true });
  return opened;
}

// 10.1.2.3:8080, from 10.9.8.7.
const LOCAL = "0302010A:1F90";
const REMOTE = "0708090A:C350";

Deno.test("a connection counts in each state in which the client would miss the pod", () => {
  // ESTABLISHED, SYN_RECV, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING, NEW_SYN_RECV.
  const served = ["01", "03", "04", "05", "08", "09", "0B", "0C"];
  // SYN_SENT, TIME_WAIT, CLOSE, LISTEN.
  for (const state of [...served, "02", "06", "07", "0A"]) {
    using connections = openTable(HEAD + line(0, LOCAL, REMOTE, state));
    assertEquals(
      connections.count([{ id: "10.1.2.3", port: 8080 }]),
      served.includes(state) ? 1 : 0,
      state,
    );
  }
});

Deno.test("a client that leaves packets unanswered is gone, and counts no more", () => {
  const row = (timer: string, retransmits: string, probes: number) =>
    `   0: ${LOCAL} ${REMOTE} 01 00000200:00000000 ${timer}:0000004B ${retransmits}  65532 ${
      String(probes).padStart(8)
    } 6141152 2 00000000 20 4 30 10 -1`.padEnd(149) + "\n";
  for (
    const [timer, retransmits, probes, count] of [
      ["01", "00000007", 0, 1],
      ["01", "00000008", 0, 0],
      ["04", "00000000", 8, 0],
      ["02", "00000000", 3, 1],
      // Without a timer nothing waits for an answer.
      ["00", "00000009", 0, 1],
    ] as const
  ) {
    using connections = openTable(HEAD + row(timer, retransmits, probes));
    assertEquals(
      connections.count([{ id: "10.1.2.3", port: 8080 }]),
      count,
      `${timer} ${retransmits} ${probes}`,
    );
  }
});

/** Tables that change from look to look. */
function changingTables(tcp: string, accepted: number) {
  const folder = Deno.makeTempDirSync();
  const names = { tcp: `${folder}/tcp`, tcp6: `${folder}/tcp6`, snmp: `${folder}/snmp` };
  const write = (table: string, opens: number) => {
    Deno.writeTextFileSync(names.tcp, HEAD + table);
    Deno.writeTextFileSync(
      names.snmp,
      `Ip: Forwarding\nIp: 1\nTcp: ActiveOpens PassiveOpens\nTcp: 3 ${opens}\n`,
    );
  };
  Deno.writeTextFileSync(names.tcp6, HEAD);
  write(tcp, accepted);
  const connections = open(names.tcp, names.tcp6, names.snmp);
  return { write, connections, remove: () => Deno.removeSync(folder, { recursive: true }) };
}

Deno.test("a connection is seen once, also one that is over when it is seen first", () => {
  const [first, second] = [line(0, LOCAL, REMOTE, "01"), line(1, LOCAL, "0708090A:C351", "06")];
  const { write, connections, remove } = changingTables(first, 100);
  const look = connections.follow([{ id: "10.1.2.3", port: 8080 }]);
  const looks = [look()];
  for (
    const [table, accepted] of [
      [first, 100],
      [first.replace(" 01 ", " 06 ") + second, 101],
      [second, 107],
      // Another client has got the first one's port.
      [first + second, 108],
      ["", 108],
    ] as const
  ) {
    write(table, accepted);
    looks.push(look());
  }
  assertEquals(looks, [
    { open: 1, seen: 0, accepted: 100 },
    { open: 1, seen: 0, accepted: 100 },
    { open: 0, seen: 1, accepted: 101 },
    { open: 0, seen: 1, accepted: 107 },
    { open: 1, seen: 2, accepted: 108 },
    { open: 0, seen: 2, accepted: 108 },
  ]);
  connections[Symbol.dispose]();
  remove();
});

Deno.test("the counter of a network that others use too says nothing of the pod", () => {
  const [elsewhere, anywhere] = ["0402010A:1F90", "00000000:1F90"];
  for (
    const [table, isShared] of [
      [line(0, anywhere, "00000000:0000", "0A") + line(1, LOCAL, REMOTE, "01"), false],
      [line(0, "0100007F:1F91", "0100007F:C350", "01"), false],
      [line(0, elsewhere, REMOTE, "01"), true],
    ] as const
  ) {
    const { connections, remove } = changingTables(table, 100);
    const { accepted } = connections.follow([{ id: "10.1.2.3", port: 8080 }])();
    assertEquals(accepted, isShared ? undefined : 100, table);
    connections[Symbol.dispose]();
    remove();
  }
});

Deno.test("IPv6 and IPv4-mapped connections count by the same rules", () => {
  const target = "B80D0120000000000000000007000000"; // 2001:db8::7
  const client = "B80D0120000000000000000008000000";
  const mapped = (ipv4: string) => `0000000000000000FFFF0000${ipv4}`;
  const LOOPBACK = "00000000000000000000000001000000";
  using connections = openTable(
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
  assertEquals(connections.count([{ id: "2001:db8::7", port: 8080 }]), 1);
  assertEquals(connections.count([{ id: "10.1.2.3", port: 8080 }]), 2);
  assertEquals(connections.count([{ id: "::1", port: 8080 }]), 1);
});

Deno.test("50,000 connections are counted, again and again", () => {
  let table = HEAD;
  for (let index = 0; index < 50_000; index++) {
    // Every fifth is the target's, and of these every second is over.
    const local = index % 5 === 0 ? LOCAL : "0302010A:1F91";
    table += line(index, local, REMOTE, index % 2 === 0 ? "01" : "06");
  }
  using connections = openTable(table);
  for (let time = 0; time < 3; time++) {
    assertEquals(connections.count([{ id: "10.1.2.3", port: 8080 }]), 5_000);
  }
});

Deno.test("a table that ends in the middle of a line, or is empty, is no error", () => {
  const whole = HEAD + line(0, LOCAL, REMOTE, "01");
  for (const table of ["", HEAD, whole + line(1, LOCAL, REMOTE, "01").slice(0, 40), whole + "\n"]) {
    using connections = openTable(table);
    assertEquals(
      connections.count([{ id: "10.1.2.3", port: 8080 }]),
      table.startsWith(whole) ? 1 : 0,
    );
  }
});

Deno.test("the table of IPv4 is enough; where there is none, that is a warning", () => {
  using _ = open("/proc/net/tcp", "/nowhere/tcp6", "/nowhere/snmp");
  const warning = "cannot count the pod's connections: /nowhere/tcp";
  assertThrows(() => open("/nowhere/tcp", "/nowhere/tcp6", "/nowhere/snmp"), Error, warning);
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
    `const connections = openConnections(console.log);
    for (const name of ["read", "write", "net", "env", "run", "sys", "ffi", "import"]) {
      Deno.permissions.revokeSync({ name });
    }
    const { state } = Deno.permissions.querySync({ name: "read" });
    const counts = [1, 2].map(() => connections.count([{ id: "${TARGET}", port: ${clients.port} }]));
    console.log(state, ...counts);`,
  );
  assertEquals(text.trim(), "prompt 1 1");
});

Deno.test("without all permissions there is a warning that says what is missing", async () => {
  const text = await output(
    ["--allow-read", "--allow-net"],
    "openConnections(console.log)",
  );
  assertStringIncludes(text, "/proc/net/tcp cannot be opened (Deno opens it with all permissions");
});
