/** Go durations in arguments, made shorter as the cluster's time is. */
import { formatDuration, parseDuration } from "../../lib/host/duration.ts";

/** `-name=5m0s` in one argument; the flag is cut off so that only its value is looked at. */
const FLAG = /^(--?[A-Za-z][\w-]*)=(.*)$/;

/** A flag whose value is the next argument. */
const BARE = /^--?[A-Za-z][\w-]*$/;

/**
 * Divides each Go duration among the arguments, as `-name=5m0s` or `-name 5m0s`, by the scale.
 * A value that is not one (`-idle=true`, `9092`, `0`) stays as it is.
 */
export function scaleDurations(args: readonly string[], scale: number): string[] {
  return args.map((arg, index) => {
    const flag = FLAG.exec(arg);
    if (flag) return `${flag[1]}=${scaled(flag[2] ?? "", scale)}`;
    return BARE.test(args[index - 1] ?? "") ? scaled(arg, scale) : arg;
  });
}

function scaled(text: string, scale: number): string {
  try {
    const nanoseconds = parseDuration(text);
    // "0" is a number as well, and no shorter when divided.
    return nanoseconds === 0n
      ? text
      : formatDuration(BigInt(Math.round(Number(nanoseconds) / scale)));
  } catch {
    return text;
  }
}
