/** A connection as its user sees it: what is sent, what comes back, and what goes wrong. */

/** What a user sees when something goes wrong. */
export type FaultKind =
  /** Nobody listened. */
  | "refused"
  /** The connection was reset, at whatever point. */
  | "reset"
  /** Nothing came for as long as the user's patience. */
  | "timed-out"
  /** The other side ended its data before all was answered. */
  | "cut"
  /** What came is not what was sent. */
  | "wrong-answer"
  /** The fault is this machine's: there was no free port, or no file descriptor. */
  | "not-tried";

/** Something that went wrong. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Where users connect to. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** A user's connection. All that waits throws a {@link Fault}. */
export class UserConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #patience: Patience;
  readonly #buffer = new Uint8Array(16 * 1024);
  /** What has come and was not received yet: a part of the buffer. */
  #pending = new Uint8Array(0);

  private constructor(connection: Deno.TcpConn, patience: Patience) {
    this.#connection = connection;
    this.#patience = patience;
  }

  /** @param patience How long to wait for anything, in milliseconds. */
  static async open(address: Address, time: number): Promise<UserConnection> {
    const patience = new Patience(time);
    const connecting = Deno.connect(address);
    try {
      const connection = await Promise.race([connecting, patience.over]);
      if (connection === undefined) throw new Fault("timed-out", "the connection was not accepted");
      patience.over.then(() => close(connection));
      connection.setNoDelay();
      return new UserConnection(connection, patience);
    } catch (error) {
      connecting.then(close, () => {});
      patience.end();
      throw faultOf(error, false);
    }
  }

  /** The user's own address and port. */
  get address(): string {
    const { hostname, port } = this.#connection.localAddr;
    return `${hostname}:${port}`;
  }

  /** Sends all of it. */
  async send(data: Uint8Array): Promise<void> {
    await this.#attempt(async () => {
      for (let place = 0; place < data.length;) {
        place += await this.#connection.write(data.subarray(place));
      }
    });
  }

  /** Ends the user's side. */
  async end(): Promise<void> {
    await this.#attempt(() => this.#connection.closeWrite());
  }

  /**
   * Receives exactly this; false where the other side has ended its data before the first byte.
   */
  async receive(expected: Uint8Array): Promise<boolean> {
    for (let place = 0; place < expected.length;) {
      if (this.#pending.length === 0 && !await this.#read()) {
        if (place === 0) return false;
        throw new Fault("cut", `${place} of ${expected.length} bytes came`);
      }
      const part = this.#pending.subarray(0, expected.length - place);
      for (const [offset, byte] of part.entries()) {
        if (byte !== expected[place + offset]) throw new Fault("wrong-answer", "a byte differs");
      }
      place += part.length;
      this.#pending = this.#pending.subarray(part.length);
    }
    return true;
  }

  /** Waits for the end of the other side's data. */
  async receiveEnd(): Promise<void> {
    if (this.#pending.length > 0 || await this.#read()) {
      throw new Fault("wrong-answer", "there is more than was sent");
    }
  }

  [Symbol.dispose](): void {
    this.#patience.end();
    close(this.#connection);
  }

  async #read(): Promise<boolean> {
    const count = await this.#attempt(() => this.#connection.read(this.#buffer));
    if (count === null) return false;
    this.#patience.renew();
    this.#pending = this.#buffer.subarray(0, count);
    return true;
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw faultOf(error, this.#patience.lost);
    }
  }
}

/** A time that begins anew whenever something comes. */
class Patience {
  readonly over: Promise<undefined>;
  readonly #time: number;
  readonly #lose: () => void;
  #lost = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor(time: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.over = promise;
    this.#lose = () => {
      this.#lost = true;
      resolve(undefined);
    };
    this.#time = time;
    this.#timer = setTimeout(this.#lose, time);
  }

  /** Whether the time was over. */
  get lost(): boolean {
    return this.#lost;
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#lose, this.#time);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    // Closed already: because the time was over.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** @param late Whether the connection was closed from here, for the time was over. */
function faultOf(error: unknown, late: boolean): unknown {
  if (error instanceof Fault) return error;
  if (!(error instanceof Error)) return error;
  const kind = late ? "timed-out" : kindOf(error);
  return kind === undefined ? error : new Fault(kind, error.message);
}

function kindOf(error: Error): FaultKind | undefined {
  const { errors } = Deno;
  if (error instanceof errors.ConnectionRefused) return "refused";
  if (error instanceof errors.TimedOut) return "timed-out";
  const resets = [errors.ConnectionReset, errors.ConnectionAborted, errors.BrokenPipe];
  // Not connected: what connecting, or ending a side, says of a connection that was reset.
  if ([...resets, errors.NotConnected].some((kind) => error instanceof kind)) return "reset";
  const own = error instanceof errors.AddrNotAvailable || /os error 2[34]\b/.test(error.message);
  return own ? "not-tried" : undefined;
}
