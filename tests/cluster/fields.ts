/** Reads the fields of a manifest, and refuses those that were not read. */

/** A manifest that cannot be run here. The message names the field. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

type Fields = Readonly<Record<string, unknown>>;

/** An object of a manifest; the API's own schemas have found its types in order. */
export class FieldReader {
  readonly path: string;
  readonly #fields: Fields;
  readonly #left: Set<string>;
  readonly #children: FieldReader[] = [];

  /** @param path Where it stands: `spec.template.spec`. */
  constructor(value: unknown, path: string) {
    this.path = path;
    this.#fields = isFields(value) ? value : {};
    this.#left = new Set(Object.keys(this.#fields));
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  text(name: string, otherwise = ""): string {
    const value = this.#take(name);
    return value === undefined ? otherwise : String(value);
  }

  number(name: string, otherwise: number): number {
    const value = this.#take(name);
    return value === undefined ? otherwise : Number(value);
  }

  /** A number of pods. */
  count(name: string, otherwise: number | string): number | string {
    const value = this.#take(name);
    return typeof value === "number" || typeof value === "string" ? value : otherwise;
  }

  texts(name: string): string[] {
    const value = this.#take(name);
    return Array.isArray(value) ? value.map(String) : [];
  }

  record(name: string): Record<string, string> {
    const value = this.#take(name);
    return isFields(value)
      ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
      : {};
  }

  /** The object in this field; an empty one where there is none. */
  object(name: string): FieldReader {
    return this.#child(this.#take(name), `.${name}`);
  }

  /** The objects of the list in this field. */
  objects(name: string): FieldReader[] {
    const value = this.#take(name);
    return Array.isArray(value) ? value.map((item) => this.#child(item, `.${name}[]`)) : [];
  }

  /** Passes over fields that have no effect here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#left.delete(name);
  }

  /** @throws {ManifestError} A field was not read, here or further in. */
  refuseRest(): void {
    const [name] = this.#left;
    if (name !== undefined) {
      throw new ManifestError(`${this.path}.${name} is not implemented by the test cluster`);
    }
    for (const child of this.#children) child.refuseRest();
  }

  #take(name: string): unknown {
    this.#left.delete(name);
    return this.#fields[name] ?? undefined;
  }

  #child(value: unknown, path: string): FieldReader {
    const child = new FieldReader(value, this.path + path);
    this.#children.push(child);
    return child;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
