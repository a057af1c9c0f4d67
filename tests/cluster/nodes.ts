/** The nodes of a cluster, and which of them the next pod goes to. */
import type { Addresses } from "./addresses.ts";
import type { Pod } from "./pod.ts";

/** A node. */
export interface Node {
  readonly name: string;
  readonly ip: string;
  /** Whether it takes no more pods. */
  isCordoned: boolean;
}

/** All nodes: `node-1`, `node-2` and so on. */
export class Nodes {
  readonly all: readonly Node[];

  constructor(count: number, addresses: Addresses) {
    this.all = Array.from({ length: count }, (_, index) => ({
      name: `node-${index + 1}`,
      ip: addresses.node(),
      isCordoned: false,
    }));
  }

  /**
   * A node by its name.
   * @throws {Error} There is none.
   */
  named(name: string): Node {
    const found = this.all.find((node) => node.name === name);
    if (!found) throw new Error(`there is no node ${name}`);
    return found;
  }

  /** The node with the fewest pods; `undefined` if none takes more. */
  pick(pods: readonly Pod[]): Node | undefined {
    const load = ({ name }: Node) => pods.filter(({ node }) => node === name).length;
    return this.all.filter(({ isCordoned }) => !isCordoned)
      .sort((one, other) => load(one) - load(other))[0];
  }
}
