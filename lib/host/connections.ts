/**
 * Who is connected to the target. All containers of a pod share one network namespace, so the
 * tables of the kernel show the application's connections too.
 */
import { addressDigits, LOOPBACK } from "./address.ts";

/** Where a target gets its connections; `id` in its canonical spelling. */
export interface Endpoint {
  readonly id: string;
  readonly port: number;
}

/** What the kernel's tables and counters say at a moment. */
export interface Counts {
  /** How many clients from outside the pod are being served. */
  readonly open: number;
  /** How many of their connections have been seen since the first count, whether or not over now. */
  readonly seen: number;
  /**
   * How many connections the pod has accepted on all ports, probes included; left out: the counter
   * cannot be read, or others share it.
   */
  readonly accepted?: number;
}

/** Counts connections. */
export interface Connections extends Disposable {
  /** How many clients from outside the pod are being served. */
  count(endpoints: readonly Endpoint[]): number;
  /** Follows the connections, count by count. */
  follow(endpoints: readonly Endpoint[]): () => Counts;
}

/** The kernel's tables of TCP connections, a line for each, and its counters (proc(5)). */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/snmp"] as const;

/**
 * Opens the tables. What is open stays readable when permissions are given back: Deno lets a
 * program open files under `/proc` with all permissions only.
 * @returns Undefined, with a warning, where they cannot be opened.
 */
export function openConnections(
  warn: (message: string) => void,
  tables: readonly [tcp: string, tcp6: string, counters: string] = TABLES,
): Connections | undefined {
  const opened: (Deno.FsFile | undefined)[] = [];
  const close = () => opened.forEach((file) => file?.close());
  for (const path of tables) {
    try {
      opened.push(Deno.openSync(path));
    } catch (error) {
      // Where the kernel has no IPv6 there is no table for it.
      if (error instanceof Deno.errors.NotFound && opened.length > 0) {
        opened.push(undefined);
        continue;
      }
      close();
      warn(unreadable(path, error));
      return undefined;
    }
  }
  const [tcp, tcp6, counters] = opened;
  const files = [tcp, tcp6].filter((file) => file !== undefined);
  return {
    count: (endpoints) => countsIn(files, patternsOf(endpoints), new Set()).open,
    follow: (endpoints) => follow({ files, counters }, endpoints),
    [Symbol.dispose]: close,
  };
}

function follow(
  { files, counters }: {
    readonly files: readonly Deno.FsFile[];
    readonly counters: Deno.FsFile | undefined;
  },
  endpoints: readonly Endpoint[],
): () => Counts {
  const patterns = patternsOf(endpoints);
  let before: ReadonlySet<number> | undefined;
  let seen = 0;
  let isShared = false;
  return () => {
    const keys = new Set<number>();
    const { open, others } = countsIn(files, patterns, keys);
    if (before !== undefined) seen += keys.difference(before).size;
    before = keys;
    isShared ||= others;
    const accepted = isShared || counters === undefined ? undefined : acceptedIn(counters);
    return { open, seen, ...(accepted !== undefined && { accepted }) };
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
const SERVED: ReadonlySet<string> = new Set([
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
]);

/**
 * After so many packets without an answer, which takes the kernel 50 s, the client is gone, and
 * nobody has told the pod.
 */
const UNANSWERED = 8;

/** Patterns for whole chunks of lines. */
interface Patterns {
  /** Connections to the endpoints from outside the pod, whatever their state. */
  readonly client: RegExp;
  /** Connections of an address that is not the pod's; IPv4 alone. */
  readonly other: RegExp;
}

/**
 * A line is `sl: LOCAL:PORT REMOTE:PORT STATE TX:RX TIMER:WHEN RETRANSMITS UID PROBES …`, in
 * hexadecimal digits but for the last two. Inside is the pod itself; other addresses of 127.0.0.0/8
 * are pods in a test.
 */
function patternsOf(endpoints: readonly Endpoint[]): Patterns {
  const locals = endpoints.map(({ id, port }) =>
    `${digits(id)}:${port.toString(16).toUpperCase().padStart(4, "0")}`
  );
  const inside = [...endpoints.map(({ id }) => id), ...LOOPBACK].map(digits).join("|");
  return {
    client: new RegExp(
      `: (?:${locals.join("|")}) (?!(?:${inside}):)([0-9A-F]+):([0-9A-F]{4}) (?!0A)(..) ` +
        "\\S+ (..):\\S+ (\\S+) +\\d+ +(\\d+)",
      "g",
    ),
    other: new RegExp(`: (?!(?:${inside}|0{8}):)[0-9A-F]{8}:`),
  };
}

/** Counts those that are served, and adds what tells each one from the others. */
function countsIn(
  files: readonly Deno.FsFile[],
  { client, other }: Patterns,
  keys: Set<number>,
): { readonly open: number; readonly others: boolean } {
  let open = 0;
  let others = false;
  for (const file of files) {
    eachChunk(file, (lines) => {
      others ||= other.test(lines);
      for (const match of lines.matchAll(client)) {
        const [, address = "", port = "", state = "", timer, retransmits = "", probes] = match;
        // The last digits of an address and the port: as many as a number holds.
        keys.add(parseInt(address.slice(-8) + port, 16));
        const unanswered = timer === "00" ? 0 : Math.max(parseInt(retransmits, 16), Number(probes));
        if (SERVED.has(state) && unanswered < UNANSWERED) open++;
      }
    });
  }
  return { open, others };
}

/** `PassiveOpens`: after the names of all counters of TCP, a line of their values. */
function acceptedIn(counters: Deno.FsFile): number | undefined {
  let text = "";
  eachChunk(counters, (lines) => text += lines);
  const [names, values] = [...text.matchAll(/^Tcp: (.*)$/gm)].map(([, rest = ""]) =>
    rest.split(" ")
  );
  const value = Number(values?.[names?.indexOf("PassiveOpens") ?? -1]);
  return Number.isFinite(value) ? value : undefined;
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

/** Calls back with chunks of whole lines: to split the text into lines takes long. */
function eachChunk(file: Deno.FsFile, use: (lines: string) => void): void {
  file.seekSync(0, Deno.SeekMode.Start);
  const decoder = new TextDecoder();
  // The kernel hands out a page or so at a time.
  const buffer = new Uint8Array(16_384);
  let text = "";
  for (let read = file.readSync(buffer); read; read = file.readSync(buffer)) {
    text += decoder.decode(buffer.subarray(0, read));
    const end = text.lastIndexOf("\n") + 1;
    use(text.slice(0, end));
    text = text.slice(end);
  }
}
