/**
 * Loopback addresses for nodes and pods, from a block that no other cluster on this machine has.
 * All of 127.0.0.0/8 is loopback on Linux, so that each pod can have its ports to itself.
 */

/** Clusters tell each other by a listener on this port that their block is taken. */
const CLAIM_PORT = 41_127;

/** How many blocks are tried before giving up. */
const ATTEMPTS = 100;

/** The pods' part of a block holds at most this many addresses; the rest is for nodes. */
const MOST_PODS = 200;

/** A block of addresses, 127.x.y.0/24; disposing of it gives it back. */
export class Addresses implements Disposable {
  readonly #prefix: string;
  readonly #claim: Deno.Listener;
  readonly #free: string[];
  #nodes = 0;

  private constructor(prefix: string, claim: Deno.Listener, pods: number) {
    this.#prefix = prefix;
    this.#claim = claim;
    this.#free = Array.from({ length: pods }, (_, index) => `${prefix}.${index + 1}`);
  }

  /**
   * Claims a block.
   * @param pods How many pods can have an address at once. With few, addresses are soon given to
   * other pods, as in a small subnet.
   */
  static claim(pods: number = MOST_PODS): Addresses {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const prefix = `127.${byte()}.${byte()}`;
      try {
        const claim = Deno.listen({ hostname: `${prefix}.254`, port: CLAIM_PORT });
        return new Addresses(prefix, claim, pods);
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
    }
    throw new Error(`no free block of loopback addresses found in ${ATTEMPTS} attempts`);
  }

  /** The address of a bridge, from which the kubelet may call. */
  get bridge(): string {
    return `${this.#prefix}.253`;
  }

  /** The address of another node. */
  node(): string {
    return `${this.#prefix}.${MOST_PODS + 10 + this.#nodes++}`;
  }

  /** An address for a pod: the one that has been free for longest. */
  take(): string {
    const address = this.#free.shift();
    if (address === undefined) throw new Error("all addresses for pods are taken");
    return address;
  }

  /** Gives a pod's address back. */
  release(address: string): void {
    this.#free.push(address);
  }

  [Symbol.dispose](): void {
    this.#claim.close();
  }
}

function byte(): number {
  return 20 + Math.floor(Math.random() * 230);
}
