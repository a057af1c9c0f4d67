/**
 * Who is connected to the target. All containers of a pod share one network namespace, so the
 * tables of the kernel show the application's connections too.
 */
import { addressBytes, canonicalAddress } from "./address.ts";

/** Counts connections. */
export interface Connections extends Disposable {
  /**
   * How many clients from outside the pod are being served at an address and port.
   * @throws {TypeError} The address is none.
   */
  count(address: string, port: number): number;
}

/** The counter; or why there is none, as a message for the log. */
export type OpenedConnections =
  | { readonly connections: Connections }
  | { readonly warning: string };

/** The kernel's tables of TCP connections (proc(5)); a line for each. */
export interface Tables {
  readonly tcp: string;
  readonly tcp6: string;
}

const TABLES: Tables = { tcp: "/proc/net/tcp", tcp6: "/proc/net/tcp6" };

/**
 * Opens the tables. What is open stays readable when permissions are given back: Deno lets a
 * program open files under `/proc` with all permissions only.
 */
export function openConnections(tables: Tables = TABLES): OpenedConnections {
  const opened: Deno.FsFile[] = [];
  try {
    const tcp = Deno.openSync(tables.tcp);
    opened.push(tcp);
    const tcp6 = openIfThere(tables.tcp6);
    if (tcp6 !== undefined) opened.push(tcp6);
    return { connections: new OpenTables(tcp, tcp6) };
  } catch (error) {
    for (const file of opened) file.close();
    return { warning: unreadable(tables.tcp, error) };
  }
}

/** Where the kernel has no IPv6 there is no table for it. */
function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function unreadable(path: string, error: unknown): string {
  const why = error instanceof Deno.errors.NotCapable
    ? "Deno opens it with all permissions only, -A"
    : error instanceof Error
    ? error.message
    : String(error);
  return `cannot count the pod's connections: ${path} cannot be opened (${why}), so -wait-idle has no effect and the API alone says when the target is drained`;
}

/** The pod itself, beside the target's own address; others of 127.0.0.0/8 are pods in a test. */
const INSIDE = ["127.0.0.1", "::1"];

/**
 * The states in which a client is still served (`include/net/tcp_states.h`): it would notice if
 * the pod were gone now.
 */
const SERVED: ReadonlySet<number> = new Set([
  0x01, // ESTABLISHED, also one that the application has not accepted yet
  0x03, // SYN_RECV: about to be established
  0x04, // FIN_WAIT1: the application's last bytes are not acknowledged yet
  // FIN_WAIT2: the application sends no more, but may read an upload to its end. Where it has
  // closed the socket for good, the kernel drops it after net.ipv4.tcp_fin_timeout, 60 s.
  0x05,
  0x08, // CLOSE_WAIT: the client sends no more, but may be waiting for its answer
  0x09, // LAST_ACK: both have closed; the last bytes are not acknowledged yet
  0x0b, // CLOSING: the same
  0x0c, // NEW_SYN_RECV
  // Not: SYN_SENT (02), an outgoing one; TIME_WAIT (06), all is acknowledged; CLOSE (07);
  // LISTEN (0A).
]);

class OpenTables implements Connections {
  readonly #tables: readonly Table[];

  constructor(tcp: Deno.FsFile, tcp6: Deno.FsFile | undefined) {
    this.#tables = [
      new Table(tcp, "ipv4"),
      ...(tcp6 !== undefined ? [new Table(tcp6, "ipv6")] : []),
    ];
  }

  count(address: string, port: number): number {
    const target = canonicalAddress(address);
    if (target === undefined) throw new TypeError(`${address} is no IP address`);
    return this.#tables.reduce((sum, table) => sum + table.count(target, port), 0);
  }

  [Symbol.dispose](): void {
    for (const table of this.#tables) table.close();
  }
}

const LINE_END = 0x0a;
const COLON = 0x3a;
/** Longer than any line; the kernel hands out a page or so at a time. */
const BUFFER_SIZE = 16_384;

/** One table. A line is `sl: LOCAL:PORT REMOTE:PORT STATE …`, in hexadecimal digits. */
class Table {
  readonly #file: Deno.FsFile;
  readonly #family: "ipv4" | "ipv6";
  readonly #buffer = new Uint8Array(BUFFER_SIZE);

  constructor(file: Deno.FsFile, family: "ipv4" | "ipv6") {
    this.#file = file;
    this.#family = family;
  }

  close(): void {
    this.#file.close();
  }

  count(target: string, port: number): number {
    const address = this.#digits(target);
    // An IPv6 address is in no table of IPv4 addresses.
    if (address === undefined) return 0;
    const local = ascii(`${address}:${hex(port, 4)}`);
    const inside = [target, ...INSIDE].map((one) => this.#digits(one))
      .filter((digits) => digits !== undefined).map(ascii);
    let count = 0;
    this.#eachLine((start, end) => {
      const at = this.#buffer.indexOf(COLON, start) + 2;
      if (at < end && isServed(this.#buffer, at, { local, inside })) count++;
    });
    return count;
  }

  /** An address as the table writes it: words of four bytes, each of them little-endian. */
  #digits(address: string): string | undefined {
    const bytes = addressBytes(address);
    const isIpv4 = !address.includes(":");
    if (this.#family === "ipv4" && !isIpv4) return undefined;
    const words: string[] = [];
    for (let at = this.#family === "ipv4" ? 12 : 0; at < 16; at += 4) {
      words.push([...bytes.subarray(at, at + 4)].reverse().map((byte) => hex(byte, 2)).join(""));
    }
    return words.join("");
  }

  /** Calls back with where each line is in the buffer. */
  #eachLine(use: (start: number, end: number) => void): void {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    let kept = 0;
    while (true) {
      const read = this.#file.readSync(this.#buffer.subarray(kept));
      if (read === null || read === 0) return;
      const filled = kept + read;
      let start = 0;
      for (
        let end = this.#buffer.indexOf(LINE_END);
        end >= 0 && end < filled;
        end = this.#buffer.indexOf(LINE_END, start)
      ) {
        use(start, end);
        start = end + 1;
      }
      this.#buffer.copyWithin(0, start, filled);
      kept = filled - start;
    }
  }
}

/**
 * Whether a connection is one to the target that comes from none of the inner addresses.
 * @param at Where its local address stands.
 */
function isServed(
  lines: Uint8Array,
  at: number,
  { local, inside }: { local: Uint8Array; inside: readonly Uint8Array[] },
): boolean {
  if (!standsAt(lines, at, local)) return false;
  const remote = at + local.length + 1;
  if (inside.some((address) => standsAt(lines, remote, address))) return false;
  // The remote address is as long as the local one.
  const state = remote + local.length + 1;
  return SERVED.has(parseInt(String.fromCharCode(lines[state] ?? 0, lines[state + 1] ?? 0), 16));
}

/** From its end, where the port is: there most lines differ. */
function standsAt(lines: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let index = text.length - 1; index >= 0; index--) {
    if (lines[at + index] !== text[index]) return false;
  }
  return true;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
