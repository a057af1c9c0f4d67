/**
 * Who is connected to the target. All containers of a pod share one network namespace, so the
 * tables of the kernel show the application's connections too.
 */
import { addressDigits, LOOPBACK } from "./address.ts";

/** Counts connections. */
export interface Connections extends Disposable {
  /**
   * How many clients from outside the pod are being served.
   * @param address In its canonical spelling.
   */
  count(address: string, port: number): number;
}

/** The kernel's tables of TCP connections (proc(5)); a line for each. */
const TABLES: readonly string[] = ["/proc/net/tcp", "/proc/net/tcp6"];

/**
 * Opens the tables. What is open stays readable when permissions are given back: Deno lets a
 * program open files under `/proc` with all permissions only.
 * @returns Undefined, with a warning, where they cannot be opened.
 */
export function openConnections(
  warn: (message: string) => void,
  tables = TABLES,
): Connections | undefined {
  const opened: Deno.FsFile[] = [];
  const close = () => opened.forEach((file) => file.close());
  for (const path of tables) {
    try {
      opened.push(Deno.openSync(path));
    } catch (error) {
      // Where the kernel has no IPv6 there is no table for it.
      if (error instanceof Deno.errors.NotFound && opened.length > 0) continue;
      close();
      warn(unreadable(path, error));
      return undefined;
    }
  }
  return {
    count: (address, port) => {
      const pattern = servedAt(address, port);
      return opened.reduce((sum, file) => sum + countLines(file, pattern), 0);
    },
    [Symbol.dispose]: close,
  };
}

function unreadable(path: string, error: unknown): string {
  const why = error instanceof Deno.errors.NotCapable
    ? "Deno opens it with all permissions only, -A"
    : error instanceof Error
    ? error.message
    : String(error);
  return `cannot count the pod's connections: ${path} cannot be opened (${why}), so -wait-idle has no effect and the API alone says when the target is drained`;
}

/**
 * The states in which a client is still served (`include/net/tcp_states.h`): it would notice if
 * the pod were gone now.
 */
const SERVED = [
  "01", // ESTABLISHED, also one that the application has not accepted yet
  "03", // SYN_RECV: about to be established
  "04", // FIN_WAIT1: the application's last bytes are not acknowledged yet
  // FIN_WAIT2: the application sends no more, but may read an upload to its end. Where it has
  // closed the socket for good, the kernel drops it after net.ipv4.tcp_fin_timeout, 60 s.
  "05",
  "08", // CLOSE_WAIT: the client sends no more, but may be waiting for its answer
  "09", // LAST_ACK: both have closed; the last bytes are not acknowledged yet
  "0B", // CLOSING: the same
  "0C", // NEW_SYN_RECV
  // Not: SYN_SENT (02), an outgoing one; TIME_WAIT (06), all is acknowledged; CLOSE (07);
  // LISTEN (0A).
].join("|");

/**
 * The lines of connections that are served here and come from outside the pod. A line is
 * `sl: LOCAL:PORT REMOTE:PORT STATE …`, in hexadecimal digits. Inside is the pod itself; other
 * addresses of 127.0.0.0/8 are pods in a test.
 */
function servedAt(address: string, port: number): RegExp {
  const local = `${digits(address)}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inside = [address, ...LOOPBACK].map(digits).join("|");
  return new RegExp(`: ${local} (?!(?:${inside}):)[0-9A-F]+:[0-9A-F]{4} (?:${SERVED}) `, "g");
}

/**
 * A pattern of an address as the tables write it: words of four bytes, each of them little-endian.
 * IPv4 is also in the table of IPv6, as IPv4-mapped.
 */
function digits(address: string): string {
  const written = addressDigits(address).toUpperCase()
    .replaceAll(/(..)(..)(..)(..)/g, "$4$3$2$1");
  return address.includes(":") ? written : `(?:${written.slice(0, 24)})?${written.slice(24)}`;
}

/** How many whole lines match. The text is split into chunks and not into lines, which takes long. */
function countLines(file: Deno.FsFile, pattern: RegExp): number {
  file.seekSync(0, Deno.SeekMode.Start);
  const decoder = new TextDecoder();
  // The kernel hands out a page or so at a time.
  const buffer = new Uint8Array(16_384);
  let count = 0;
  let text = "";
  for (let read = file.readSync(buffer); read; read = file.readSync(buffer)) {
    text += decoder.decode(buffer.subarray(0, read));
    const end = text.lastIndexOf("\n") + 1;
    count += text.slice(0, end).match(pattern)?.length ?? 0;
    text = text.slice(end);
  }
  return count;
}
