// @ts-types="./data_structures_binary_heap.d.ts"
export { BinaryHeap } from "npm:deno-std@1.4.0/data_structures/binary_heap.js";
