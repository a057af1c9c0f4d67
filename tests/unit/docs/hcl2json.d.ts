/** Of the package's own types, which bring those of browsers with them, what is used here. */

/**
 * Parses a Terraform file.
 * @returns Its blocks: by kind, by each label, a list of bodies.
 */
export declare function parse(
  name: string,
  text: string,
): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;
