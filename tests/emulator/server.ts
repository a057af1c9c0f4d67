/** Starting an emulator. */
import { Emulator, type EmulatorOptions } from "./emulator.ts";

/**
 * Starts an emulator on the loopback address.
 * @throws {RangeError} Where a group or fault of the options cannot be.
 * @throws {Error} Where a port is taken.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return await Emulator.start(options);
}
