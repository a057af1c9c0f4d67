/** Deliberate changes of a source file, made from its syntax tree. */
import { parse } from "@babel/parser";

/** One change: the text between two offsets is replaced. */
export interface Change {
  readonly path: string;
  /** The text of the file. */
  readonly source: string;
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly put: string;
  /** Names it for good: file, function, what was there and what stands there instead. */
  readonly key: string;
}

/** A node of the tree; offsets count UTF-16 units, as strings do. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

/** What replaces a node or a part of it. */
type Edit = readonly [from: number, to: number, put: string];

const FLIPPED: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
};

/** Swapping these is noticed by the type checker, if it changes anything. */
const NOT_SWAPPED = /Literal|Function|Object|Array|Spread/;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function childrenOf(node: Node): Node[] {
  return Object.entries(node).flatMap(([, value]) =>
    (Array.isArray(value) ? value : [value]).filter(isNode)
  );
}

function nodeAt(node: Node, property: string): Node | undefined {
  const value = node[property];
  return isNode(value) ? value : undefined;
}

/** All changes of a file. */
export function changesOf(path: string, source: string): Change[] {
  const tree = parse(source, { sourceType: "module", plugins: ["typescript"] }).program;
  const changes: Change[] = [];
  const seen = new Map<string, number>();
  const visit = (node: Node, within: string) => {
    if (/^(TS(?!As|NonNull|Satisfies)|Import)/.test(node.type)) return;
    const name = nameOf(node, source) ?? within;
    for (const [from, to, put] of editsOf(node, source)) {
      const key = keyOf(`${path}#${name}`, source.slice(from, to), put);
      const times = (seen.get(key) ?? 0) + 1;
      seen.set(key, times);
      const line = source.slice(0, from).split("\n").length;
      const unique = times > 1 ? `${key} (${times})` : key;
      changes.push({ path, source, line, from, to, put, key: unique });
    }
    for (const child of childrenOf(node)) visit(child, name);
  };
  if (isNode(tree)) visit(tree, "");
  return changes;
}

function keyOf(place: string, before: string, after: string): string {
  const short = (text: string) => text.replaceAll(/\s+/g, " ").trim().slice(0, 100) || "nothing";
  return `${place}: ${short(before)} → ${short(after)}`;
}

/** The name of a function or method. */
function nameOf(node: Node, source: string): string | undefined {
  const isFunction = /^(FunctionDeclaration|Class.*Method)$/.test(node.type) ||
    (node.type === "VariableDeclarator" &&
      nodeAt(node, "init")?.type === "ArrowFunctionExpression");
  const name = nodeAt(node, "id") ?? nodeAt(node, "key");
  return isFunction && name !== undefined
    ? source.slice(name.start, name.end).split(":")[0]
    : undefined;
}

function editsOf(node: Node, source: string): Edit[] {
  const { type, start, end } = node;
  switch (type) {
    case "BinaryExpression":
    case "LogicalExpression":
      return operatorEdits(node, source);
    case "IfStatement":
    case "ConditionalExpression":
      return negated(nodeAt(node, "test"), source);
    case "UnaryExpression":
      return node.operator === "!" ? [[start, start + 1, ""]] : [];
    case "AwaitExpression":
      // Whoever calls waits for it, unless something is to be done in between.
      return /return\s$/.test(source.slice(0, start)) && !/\busing |\btry \{/.test(source)
        ? []
        : [[start, start + "await".length, ""]];
    case "NumericLiteral":
      return [[start, end, node.value === 0 ? "1" : `(${source.slice(start, end)} * 10)`]];
    case "BooleanLiteral":
      return [[start, end, String(node.value !== true)]];
    case "ExpressionStatement":
      return isEffect(nodeAt(node, "expression"), source) ? [[start, end, ";"]] : [];
    case "CallExpression":
    case "NewExpression":
      return swapped(node, source);
    case "BlockStatement":
      return [];
    default:
      return leftEarly(nodeAt(node, "body"), source);
  }
}

function operatorEdits(node: Node, source: string): Edit[] {
  const [left, right] = [nodeAt(node, "left"), nodeAt(node, "right")];
  const operator = String(node.operator);
  if (left === undefined || right === undefined) return [];
  if (operator === "??") return [[left.end, node.end, ""]];
  const at = source.indexOf(operator, left.end);
  const isSum = operator === "+" && ![left, right].some(({ type }) => /String|Template/.test(type));
  const puts = isSum && !/["`]/.test(source.slice(node.start, node.end))
    ? ["-"]
    : FLIPPED[operator] ?? [];
  return puts.map((put) => [at, at + operator.length, put]);
}

/** What the other operators do not negate already. */
function negated(test: Node | undefined, source: string): Edit[] {
  if (test === undefined || /Binary|Unary/.test(test.type)) return [];
  return [[test.start, test.end, `!(${source.slice(test.start, test.end)})`]];
}

/** A call or an assignment; what is only told to a developer is none. */
function isEffect(expression: Node | undefined, source: string): boolean {
  if (expression === undefined) return false;
  if (expression.type === "AwaitExpression") return true;
  const isCall = expression.type === "CallExpression" || expression.type === "AssignmentExpression";
  return isCall && !/^(super\(|[\w.#]*log\.debug\()/.test(source.slice(expression.start));
}

function swapped(node: Node, source: string): Edit[] {
  const args = Array.isArray(node.arguments) ? node.arguments.filter(isNode) : [];
  const [one, other] = args;
  if (one === undefined || other === undefined) return [];
  if (/^Math\.(min|max)\(/.test(source.slice(node.start))) return [];
  if ([one, other].some(({ type }) => NOT_SWAPPED.test(type))) return [];
  const text = ({ start, end }: Node) => source.slice(start, end);
  const between = source.slice(one.end, other.start);
  return [[one.start, other.end, text(other) + between + text(one)]];
}

/** A function that gives nothing back ends before it began. */
function leftEarly(body: Node | undefined, source: string): Edit[] {
  if (body?.type !== "BlockStatement") return [];
  const text = source.slice(body.start, body.end);
  const isEmptyOrGives = /\breturn (?!;)|\byield\b/.test(text) || /^\{\s*\}$/.test(text);
  return isEmptyOrGives ? [] : [[body.start, body.start + 1, "{ return;"]];
}
