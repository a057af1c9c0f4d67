/**
 * `kustomize build` as far as `deploy/` uses it: resources, components, generated ConfigMaps,
 * patches of both kinds, and replacements of a part of a text. Anything else is refused. Sources: kubernetes-sigs/kustomize
 * (`ApplySmPatch` puts new items of a list first, and items that a patch names too: #5904) and RFC
 * 6902; a `test` for `null` holds where there is nothing (evanphx/json-patch, run for it).
 */
import { parse, parseAllDocuments } from "yaml";

/** A part of a manifest, as YAML has it. */
export type Part = ReturnType<typeof parse>;

/** What Kustomize adds to the name of a generated ConfigMap; the real one is of its content. */
const SUFFIX = "-hash";

/** The items of these lists are known by the field. Other lists are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  ...{ containers: "name", initContainers: "name", env: "name", volumes: "name" },
  ...{ ports: "containerPort", volumeMounts: "mountPath" },
};

type Read = (path: string) => string;

/**
 * The manifests that a folder's kustomization makes.
 * @param edit Changes files before they are read.
 * @throws {Error} A patch does not apply, or it needs something that is not implemented.
 */
export function kustomize(folder: string, edit = (text: string) => text): Part[] {
  const read = (path: string) =>
    edit(Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url)));
  const documents = accumulate(folder, [], read);
  const generated = documents.filter(({ kind, isGenerated }) => kind === "ConfigMap" && isGenerated)
    .map(({ metadata }) => metadata.name);
  const rename = (name: string) => generated.includes(name) ? name + SUFFIX : name;
  return documents.map(({ isGenerated: _, ...document }) =>
    JSON.parse(
      JSON.stringify(document),
      (key, value) =>
        key === "configMapRef" || (key === "metadata" && document.kind === "ConfigMap")
          ? { ...value, name: rename(value.name) }
          : value,
    )
  );
}

/** The kustomization of a folder, or a component, applied to what there is. */
function accumulate(folder: string, given: readonly Part[], read: Read): Part[] {
  const { apiVersion: _version, kind: _kind, ...fields } = parse(
    read(`${folder}/kustomization.yaml`),
  );
  const {
    resources = [],
    components = [],
    configMapGenerator = [],
    patches = [],
    replacements = [],
    ...others
  } = fields;
  const [unknown] = Object.keys(others);
  if (unknown) throw new Error(`${folder}: ${unknown} is not implemented`);
  const own = resources.flatMap((path: string) =>
    path.endsWith(".yaml")
      ? parseAllDocuments(read(`${folder}/${path}`)).map((document) => document.toJS())
      : accumulate(join(folder, path), [], read)
  );
  const whole = components.reduce(
    (all: Part[], path: string) => accumulate(join(folder, path), all, read),
    [...given, ...own],
  );
  const documents = [...whole, ...configMapGenerator.map(generate)];
  const patched = patches.reduce((all: Part[], { path, patch, target }: Part) => {
    const change = parse(patch ?? read(`${folder}/${path}`));
    return all.map((one) =>
      !selects(target, one)
        ? one
        : Array.isArray(change)
        ? change.reduce(applied, structuredClone(one))
        : { ...merged(one, change), kind: one.kind, metadata: one.metadata }
    );
  }, documents);
  for (const one of replacements) replace(one, patched);
  return patched;
}

/** Puts a field of one document into a part of fields of others. */
function replace({ source, targets }: Part, documents: readonly Part[]): void {
  const at = (path: string, document: Part) =>
    path.split(".").reduce((part, key) => part?.[key], document);
  const value = at(source.fieldPath, documents.find((one) => selects(source, one)));
  for (const { select, fieldPaths, options: { delimiter, index } } of targets) {
    for (const one of documents.filter(({ apiVersion }) => apiVersion.startsWith(select.group))) {
      for (const path of fieldPaths) {
        const [, parent = "", last = ""] = /^(.*)\.(.*)$/.exec(path) ?? [];
        const words = at(path, one).split(delimiter);
        at(parent, one)[last] = words.with(index, value).join(delimiter);
      }
    }
  }
}

function join(folder: string, path: string): string {
  return new URL(`${path}/`, `file:///${folder}/`).pathname.slice(1, -1);
}

function generate({ name, literals }: { name: string; literals: string[] }): Part {
  const data = Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s)));
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data, isGenerated: true };
}

function selects({ kind, name, labelSelector }: Part, { kind: own, metadata }: Part): boolean {
  const matches = (pattern: string | undefined, text: string) =>
    pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);
  // `key`, `key=value` or `key in (value,value)`.
  const [key = "", values] = (labelSelector ?? "").split(/=| in /);
  const label = metadata.labels?.[key];
  const isLabelled = key === "" ||
    (values === undefined ? label !== undefined : values.match(/[^(),]+/g)?.includes(label));
  return matches(kind, own) && matches(name, metadata.name) && isLabelled;
}

/** A strategic merge. */
function merged(own: Part, patch: Part, field = ""): Part {
  const key = MERGE_KEYS[field];
  if (Array.isArray(patch) && Array.isArray(own) && key) {
    const same = (one: Part) => (other: Part) => one[key] === other[key];
    const named = patch.map((item) => merged(own.find(same(item)), item));
    return [...named, ...own.filter((item) => !patch.some(same(item)))];
  }
  if (typeof patch !== "object" || Array.isArray(patch) || own === undefined) return patch;
  const fields = Object.entries(patch).map(([key, value]) => [key, merged(own[key], value, key)]);
  return { ...own, ...Object.fromEntries(fields) };
}

/** One operation of a JSON patch. */
function applied(document: Part, { op, path, value }: Part): Part {
  const keys = path.slice(1).split("/");
  const last = keys.pop();
  const parent = keys.reduce((part: Part, key: string) => part?.[key], document);
  if (parent === undefined) throw new Error(`${op} operation does not apply: no ${path}`);
  const present = parent[last] ?? null;
  if (op === "test") {
    if (JSON.stringify(present) !== JSON.stringify(value)) {
      throw new Error(`testing value ${path} failed: test failed`);
    }
  } else if (op === "add" || (op === "replace" && present !== null)) {
    if (Array.isArray(parent)) throw new Error(`${op} in a list is not implemented`);
    parent[last] = value;
  } else throw new Error(`${op} operation does not apply: ${path}`);
  return document;
}
