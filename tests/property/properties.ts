/** All promises about any input. A parser's own go into a file of their own, and here. */
import { ADDRESSES } from "./addresses.ts";
import { DURATIONS } from "./durations.ts";
import { FLAGS } from "./flags.ts";
import { PLANS } from "./plans.ts";
import type { Property } from "./property.ts";
import { REPLIES } from "./replies.ts";
import { TOKENS } from "./tokens.ts";
import { WORDS } from "./words.ts";

export const PROPERTIES: readonly Property[] = [
  ...DURATIONS,
  ...FLAGS,
  ...ADDRESSES,
  ...WORDS,
  ...PLANS,
  ...REPLIES,
  ...TOKENS,
];
