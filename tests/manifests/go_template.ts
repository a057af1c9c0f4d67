/**
 * Go's text/template with the functions of Helm and Sprig that the chart in `deploy/helm` uses, and
 * no others: an unknown function, field syntax or action is an error. The chart's output was
 * compared with that of Go 1.19's text/template and Sprig 3.2.3.
 */
import { parse, stringify } from "yaml";

/** What a template works on: as in Go, any value. */
type Value = ReturnType<typeof parse>;

interface Block {
  readonly kind: "if" | "range" | "define";
  readonly source: string;
  readonly body: Node[];
  readonly otherwise: Node[];
}

type Node =
  | Block
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly source: string };

type Scope = Map<string, Value>;

const COMMENT = /(\s*\{\{-|\{\{)\s*\/\*[\s\S]*?\*\/\s*(-\}\}\s*|\}\})/g;
const ACTION = /\{\{(-?)\s*([\s\S]*?)\s*(-?)\}\}/g;
const TOKEN = /"(?:[^"\\]|\\.)*"|:=|[()|]|\$?[\w.]+|\$|-?\d+|=|,/g;

/** Templates that were parsed together, and call each other by name. */
export class GoTemplates {
  readonly #defined = new Map<string, Node[]>();

  /** Adds a file; the result renders what is outside of its definitions. */
  parse(text: string): (data: Value) => string {
    const nodes = treeOf(text);
    for (const node of nodes) {
      if (node.kind === "define") this.#defined.set(JSON.parse(node.source), node.body);
    }
    return (data) => this.#render(nodes, data, new Map([["$", data]]));
  }

  #include(name: string, data: Value): string {
    const nodes = this.#defined.get(name);
    if (!nodes) throw new Error(`there is no template ${name}`);
    return this.#render(nodes, data, new Map([["$", data]]));
  }

  #render(nodes: readonly Node[], dot: Value, scope: Scope): string {
    return nodes.map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "define":
          return "";
        case "action":
          return this.#act(node.source, dot, scope);
        case "if": {
          const body = isTrue(this.#evaluate(node.source, dot, scope)) ? node.body : node.otherwise;
          return this.#render(body, dot, new Map(scope));
        }
        case "range":
          return this.#range(node.source, node.body, dot, scope);
      }
    }).join("");
  }

  #act(source: string, dot: Value, scope: Scope): string {
    const [, name, expression] = /^(\$\w+)\s*:=\s*([\s\S]*)$/.exec(source) ?? [];
    if (name === undefined || expression === undefined) {
      return String(this.#evaluate(source, dot, scope) ?? "");
    }
    scope.set(name, this.#evaluate(expression, dot, scope));
    return "";
  }

  #range(source: string, body: readonly Node[], dot: Value, scope: Scope): string {
    const [, key = "", second, expression = ""] =
      /^(\$\w+)(?:,\s*(\$\w+))?\s*:=\s*([\s\S]*)$/.exec(source) ?? [];
    const items = this.#evaluate(expression, dot, scope) ?? [];
    const entries = Object.entries<Value>(items);
    if (!Array.isArray(items)) entries.sort(([one], [other]) => one < other ? -1 : 1);
    return entries.map(([index, item]) => {
      const inner: Scope = new Map(scope);
      if (second !== undefined) inner.set(key, index).set(second, item);
      else inner.set(key, item);
      return this.#render(body, item, inner);
    }).join("");
  }

  #evaluate(source: string, dot: Value, scope: Scope): Value {
    const tokens = source.match(TOKEN) ?? [];
    let at = 0;
    const operand = (): Value => {
      const token = tokens[at++] ?? "";
      if (token === "(") {
        const value = pipeline();
        at++;
        return value;
      }
      if (token.startsWith('"')) return JSON.parse(token);
      if (/^-?\d+$/.test(token)) return Number(token);
      if (token === "true" || token === "false") return token === "true";
      if (!/^[$.]/.test(token)) return this.#call(token, []);
      const [variable = "", ...fields] = token.split(".");
      const start = variable === "" ? dot : scope.get(variable);
      return fields.filter((field) => field !== "").reduce((value, field) => value?.[field], start);
    };
    const command = (piped: readonly Value[]): Value => {
      const isCall = /^[a-z]\w*$/i.test(tokens[at] ?? "") &&
        !["true", "false"].includes(tokens[at] ?? "");
      const name = isCall ? tokens[at++] ?? "" : "";
      const values: Value[] = [];
      while (at < tokens.length && tokens[at] !== "|" && tokens[at] !== ")") values.push(operand());
      return isCall ? this.#call(name, [...values, ...piped]) : values[0];
    };
    const pipeline = (): Value => {
      let value = command([]);
      while (tokens[at] === "|") {
        at++;
        value = command([value]);
      }
      return value;
    };
    return pipeline();
  }

  #call(name: string, given: readonly Value[]): Value {
    if (name === "include") return this.#include(given[0], given[1]);
    const known = FUNCTIONS[name];
    if (!known) throw new Error(`function ${name} is not implemented`);
    return known(...given);
  }
}

/** As documented for Sprig and for Helm's own functions. */
const FUNCTIONS: Readonly<Record<string, (...given: Value[]) => Value>> = {
  add: (...numbers) => numbers.reduce((sum, one) => sum + one),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  default: (otherwise, value) => isTrue(value) ? value : otherwise,
  dict: (...pairs) =>
    Object.fromEntries(
      pairs.flatMap((key, index) => index % 2 ? [] : [[key, pairs[index + 1]]]),
    ),
  eq: (one, other) => one === other,
  fail: (message) => {
    throw new Error(message);
  },
  first: (list) => list[0],
  fromYaml: (text) => {
    try {
      return parse(text);
    } catch (error) {
      return { Error: String(error) };
    }
  },
  get: (map, key) => map[key] ?? "",
  hasKey: (map, key) => Object.hasOwn(map, key),
  index: (value, ...keys) => keys.reduce((part, key) => part[key], value),
  kindIs: (kind, value) => kind === (Array.isArray(value) ? "slice" : typeof value),
  list: (...items) => items,
  ne: (one, other) => one !== other,
  not: (value) => !isTrue(value),
  prepend: (list, item) => [item, ...list],
  printf: (format, ...values) => {
    let at = 0;
    return format.replaceAll(/%[sv]/g, () => String(values[at++]));
  },
  quote: (value) => JSON.stringify(String(value)),
  set: (map, key, value) => {
    map[key] = value;
    return map;
  },
  toJson: (value) => JSON.stringify(value),
  toYaml: (value) => stringify(value).trimEnd(),
};

function isTrue(value: Value): boolean {
  return typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : Boolean(value);
}

/** Text and actions, nested; `{{-` takes the space before it, `-}}` that after it. */
function treeOf(text: string): Node[] {
  const clean = text.replaceAll(COMMENT, "");
  const root: Node[] = [];
  const open: { readonly node: Block; into: Node[] }[] = [];
  const into = () => open.at(-1)?.into ?? root;
  let at = 0;
  let trims = false;
  const addText = (end: number, trimsEnd: boolean) => {
    let part = clean.slice(at, end);
    if (trims) part = part.trimStart();
    if (trimsEnd) part = part.trimEnd();
    into().push({ kind: "text", text: part });
  };
  for (const { index, 0: whole, 1: before, 2: source = "", 3: after } of clean.matchAll(ACTION)) {
    addText(index, before === "-");
    [at, trims] = [index + whole.length, after === "-"];
    const [word = ""] = /^\w+/.exec(source) ?? [];
    const rest = source.slice(word.length).trim();
    if (word === "if" || word === "range" || word === "define") {
      const node: Block = { kind: word, source: rest, body: [], otherwise: [] };
      into().push(node);
      open.push({ node, into: node.body });
    } else if (word === "else" && rest === "") {
      const last = open.at(-1);
      if (last) last.into = last.node.otherwise;
    } else if (word === "end") open.pop();
    else if (["else", "with", "template", "block"].includes(word)) {
      throw new Error(`action ${source} is not implemented`);
    } else into().push({ kind: "action", source });
  }
  addText(clean.length, false);
  return root;
}
