/** A manifest that cannot be run here. The message names the object and the field. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}
