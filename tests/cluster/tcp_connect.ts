/** A TCP connection that is opened and closed: what a tcpSocket probe does. */
import net from "node:net";

/**
 * Opens a connection from the own address and closes it.
 * @throws {Error} It was refused; or the signal's reason.
 */
export function tcpConnect(
  { host, port, from }: { readonly host: string; readonly port: number; readonly from: string },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = net.connect({ host, port, localAddress: from });
  const onAbort = () => {
    socket.destroy();
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("error", reject);
  socket.on("connect", () => {
    socket.destroy();
    resolve();
  });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
