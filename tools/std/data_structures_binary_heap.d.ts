/** The part of `jsr:@std/data-structures` that is used here. */
export class BinaryHeap<T> {
  constructor(compare?: (a: T, b: T) => number);
  peek(): T | undefined;
  pop(): T | undefined;
  push(...values: readonly T[]): number;
}
