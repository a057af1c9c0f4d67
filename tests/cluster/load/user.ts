/** A connection as its user sees it: what is sent, what comes back, and what goes wrong. */
import net from "node:net";

/** What a user sees when something goes wrong. */
export type FailureKind =
  /** No program listened. */
  | "refused"
  /** The connection was reset, at whatever point. */
  | "reset"
  /** Nothing came for as long as the user's patience. */
  | "timed-out"
  /** The other side ended its data before all was answered. */
  | "cut"
  /** What came is not what was sent. */
  | "wrong-answer"
  /** This machine is at its limits: there was no free port, or no file descriptor. */
  | "not-tried";

/** Something that went wrong. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Where users connect to. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** A user's connection. All that waits throws a {@link UserError}. */
export class UserConnection implements Disposable {
  readonly #socket: net.Socket;
  #received: Uint8Array = new Uint8Array(0);
  #hasEnded = false;
  #error: UserError | undefined;
  #news = Promise.withResolvers<void>();

  private constructor(socket: net.Socket, patience: number) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(patience, () => this.#fail(new UserError("timed-out", "nothing came")));
    socket.on("data", (data: Uint8Array) => {
      const all = new Uint8Array(this.#received.length + data.length);
      all.set(this.#received);
      all.set(data, this.#received.length);
      this.#received = all;
      this.#tell();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#tell();
    });
    socket.on("error", (error) => this.#fail(new UserError(kindOf(error), error.message)));
    socket.on("close", () => this.#fail(new UserError("reset", "the connection was closed")));
  }

  /** @param patience How long to wait for anything, in milliseconds. */
  static async open({ hostname, port }: Address, patience: number): Promise<UserConnection> {
    const socket = net.connect({ host: hostname, port, allowHalfOpen: true });
    const connection = new UserConnection(socket, patience);
    socket.once("connect", () => connection.#tell());
    try {
      while (socket.connecting) await connection.#next();
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The user's own address and port. */
  get address(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`;
  }

  send(data: Uint8Array): void {
    if (this.#error) throw this.#error;
    this.#socket.write(data);
  }

  /** Ends the user's side. */
  end(): void {
    if (this.#error) throw this.#error;
    this.#socket.end();
  }

  /** Receives exactly this; false where the other side has ended its data before the first byte. */
  async receive(expected: Uint8Array): Promise<boolean> {
    while (this.#received.length < expected.length && !this.#hasEnded) await this.#next();
    const got = this.#received.subarray(0, expected.length);
    if (got.some((byte, place) => byte !== expected[place])) {
      throw new UserError("wrong-answer", "a byte differs");
    }
    if (got.length === 0) return false;
    if (got.length < expected.length) {
      throw new UserError("cut", `${got.length} of ${expected.length} bytes came`);
    }
    this.#received = this.#received.subarray(expected.length);
    return true;
  }

  /** Waits for the end of the other side's data. */
  async receiveEnd(): Promise<void> {
    while (this.#received.length === 0 && !this.#hasEnded) await this.#next();
    if (this.#received.length > 0) throw new UserError("wrong-answer", "more came than was sent");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #next(): Promise<void> {
    if (this.#error) throw this.#error;
    await this.#news.promise;
    if (this.#error) throw this.#error;
  }

  #fail(error: UserError): void {
    this.#error ??= error;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

function kindOf(error: Error): FailureKind {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return "refused";
  return ["EADDRNOTAVAIL", "EMFILE", "ENFILE"].some((own) => own === code) ? "not-tried" : "reset";
}
