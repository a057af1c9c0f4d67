/** Manifests against the schemas of the Kubernetes API. */
import { assert, assertEquals } from "@std/assert";
import { type parse, parseAllDocuments } from "yaml";
import { read } from "./_docs.ts";

/** A validator that was made from the API's own schema. */
export type Validate = ((data: unknown) => boolean) & { errors?: unknown };
/** A part of a manifest, as YAML has it. */
export type Part = ReturnType<typeof parse>;

/** The documents of a file. */
export function documentsOf(path: string): Part[] {
  return parseAllDocuments(read(path)).map((document) => {
    assertEquals([...document.errors, ...document.warnings], []);
    return document.toJS();
  });
}

/** The schemas allow fields that they do not know; the API server drops or refuses them. */
export function unknownFields(value: unknown, validate: Validate): string[] {
  const seen = new Set<string>();
  assert(validate(watch(value, "", seen)), JSON.stringify(validate.errors));
  return leaves(value, "").filter((path) => !seen.has(path));
}

/** A copy that notes which of its fields are read: a validator reads those that it knows. */
function watch(value: unknown, path: string, seen: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, watch(field, `${path}/${key}`, seen)]),
  );
  return new Proxy(Array.isArray(value) ? Object.values(inner) : inner, {
    get: (target, key) => {
      if (typeof key === "string") seen.add(`${path}/${key}`);
      return Reflect.get(target, key);
    },
  });
}

function leaves(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, field]) => leaves(field, `${path}/${key}`));
}
