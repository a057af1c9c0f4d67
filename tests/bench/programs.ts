/** What is measured: programs, and how each is started. */
import { compileFile, compileInto } from "../../tools/compile.ts";
import { sidecarCommand } from "../../tools/sidecar_command.ts";

export const GROUP = "kafka";
export const TARGET = "10.0.0.1";

/** How it is seen that a program has started and waits for its signal. */
export type Ready =
  /** It writes such a line on stderr. */
  | { readonly says: RegExp }
  /** The API has answered this call of it. */
  | { readonly answered: string };

/** A program to be measured. */
export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly ready: Ready;
  /** Whether it makes the sidecar's calls; others make none. */
  readonly calls: boolean;
  /** Its own `DENO_DIR`: programs that share one evict each other's compiled code. */
  readonly cache: string;
}

/** The programs that the figures are about. */
export const SIDECAR = "sidecar";
export const LISTENING = "sidecar -listen";
export const BARE_FETCH = "bare fetch";
export const EMPTY = "empty";
export const BEFORE = "before";

/** How the sidecar of this checkout or another is started. */
export type Command = readonly [string, ...string[]];

/** Beside the sidecar: what its runtime allows at the least. */
const SOURCES = new URL("programs/", import.meta.url).pathname;

/** The programs of one run. */
export class Programs {
  /** Has the cache of each program. */
  readonly #folder: string;
  readonly #sidecar: Command;
  readonly #before: Command | undefined;
  readonly #beside: (name: string) => Command;

  private constructor(
    { folder, sidecar, before, beside }: {
      readonly folder: string;
      readonly sidecar: Command;
      readonly before: Command | undefined;
      readonly beside: (name: string) => Command;
    },
  ) {
    this.#folder = folder;
    this.#sidecar = sidecar;
    this.#before = before;
    this.#beside = beside;
  }

  /** The bundle, and the other programs with its runtime, options and permissions. */
  static bundled(folder: string, before?: Command): Programs {
    const sidecar = sidecarCommand("bundle");
    const [deno, ...args] = sidecar;
    const beside = (name: string): Command => [deno, ...args.slice(0, -1), `${SOURCES}${name}.ts`];
    return new Programs({ folder, sidecar, before, beside });
  }

  /** All of them compiled; the sidecar as in the image, with its compiled code in a file. */
  static async compiled(folder: string, before?: Command): Promise<Programs> {
    const sidecar: Command = [await compileInto(folder, "--code-cache")];
    for (const { name } of Deno.readDirSync(SOURCES)) {
      await compileFile(SOURCES + name, `${folder}/${name.replace(/\.ts$/, "")}`);
    }
    return new Programs({ folder, sidecar, before, beside: (name) => [`${folder}/${name}`] });
  }

  /** All programs, in the order in which each round runs them. */
  all(peer: string | undefined): readonly Program[] {
    const listen = ["-listen=127.0.0.1:0"];
    return [
      this.sidecar(),
      this.sidecar({ name: LISTENING, flags: listen }),
      ...this.before(),
      ...this.before({ name: `${BEFORE} -listen`, flags: listen }),
      this.bareFetch(),
      this.empty(),
      ...(peer === undefined ? [] : [this.#peer(peer)]),
    ];
  }

  /** The sidecar for some groups. */
  sidecar(
    { name = SIDECAR, flags = [], groups = [GROUP], command = this.#sidecar }: {
      readonly name?: string;
      readonly flags?: readonly string[];
      readonly groups?: readonly string[];
      readonly command?: Command;
    } = {},
  ): Program {
    const named = groups.flatMap((group) => ["-target-group-name", group]);
    return {
      ...this.#calling(name, [...command, ...named, "-target-id", TARGET, ...flags]),
      ready: { says: /serving until a stop signal comes/ },
    };
  }

  /** The sidecar that this one is compared with; none where there is none. */
  before(options: { readonly name?: string; readonly flags?: readonly string[] } = {}): Program[] {
    const command = this.#before;
    return command === undefined ? [] : [this.sidecar({ name: BEFORE, ...options, command })];
  }

  bareFetch(): Program {
    const command = [...this.#beside("bare_fetch"), GROUP, TARGET] as const;
    return { ...this.#calling(BARE_FETCH, command), ready: { says: /serving/ } };
  }

  empty(): Program {
    const ready = { says: /serving/ };
    return { ...this.#calling(EMPTY, this.#beside("empty")), ready, calls: false };
  }

  /** Programs that end by themselves: `-h`, and one that does nothing. */
  brief(): readonly Program[] {
    const help = (name: string, command: Command) => this.sidecar({ name, command, flags: ["-h"] });
    return [
      help(SIDECAR, this.#sidecar),
      ...(this.#before === undefined ? [] : [help(BEFORE, this.#before)]),
      { ...this.empty(), command: this.#beside("nothing") },
    ];
  }

  /** What it logs is not known; its last call before it waits is. */
  #peer(path: string): Program {
    const command = [path, "-target-group-name", GROUP, "-target-id", TARGET] as const;
    return { ...this.#calling("peer", command), ready: { answered: "DescribeTargetHealth" } };
  }

  #calling(name: string, command: Command): Omit<Program, "ready"> {
    const cache = `${this.#folder}/${name.replaceAll(" ", "-")}`;
    Deno.mkdirSync(cache, { recursive: true });
    return { name, command, calls: true, cache };
  }
}

/**
 * Another sidecar to compare with: a binary, or a checkout with its bundle in `dist/`, which is
 * started with the options of that checkout.
 */
export async function commandOf(path: string): Promise<Command> {
  const absolute = await Deno.realPath(path);
  if ((await Deno.stat(absolute)).isFile) return [absolute];
  const { sidecarCommand } = await import(`file://${absolute}/tools/sidecar_command.ts`);
  return sidecarCommand("bundle");
}
