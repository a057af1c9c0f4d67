/** Sidecars, an emulator, and a real Prometheus that scrapes them: what the dashboard would show. */
import { PrintedLines } from "../../tools/lines.ts";
import { SidecarProcess } from "../e2e/sidecar_process.ts";
import type { Emulator } from "../emulator/emulator.ts";
import { startEmulator } from "../emulator/server.ts";

const GROUP = "edge";
const PORT = 8443;

/** A pod: an application that accepts connections, and its sidecar. */
interface Pod {
  readonly address: string;
  readonly sidecar: SidecarProcess;
  readonly application: Deno.TcpListener;
  /** Of the sidecar's endpoints. */
  readonly url: string;
}

/** A value of a query at a moment, in seconds. */
export type Point = readonly [at: number, value: number];

/** One line of a panel. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly Point[];
}

/** A fleet under the eyes of Prometheus. */
export class Scene implements AsyncDisposable {
  readonly pods: Pod[] = [];
  readonly emulator: Emulator;
  readonly #folder: string;
  readonly #prometheus: Deno.ChildProcess;
  readonly #url: string;
  readonly #started = Date.now();
  #named = 0;

  private constructor(
    emulator: Emulator,
    folder: string,
    prometheus: Deno.ChildProcess,
    url: string,
  ) {
    this.emulator = emulator;
    this.#folder = folder;
    this.#prometheus = prometheus;
    this.#url = url;
  }

  /** @throws {Error} Prometheus is not installed (Debian's package `prometheus`). */
  static async start(): Promise<Scene> {
    const emulator = await startEmulator({
      groups: [{
        ...{ name: GROUP, port: PORT, health: { check: "tcp" }, registering: 1_000 },
        ...{ healthCheckIntervalSeconds: 5, healthyThresholdCount: 2, timeScale: 5 },
        deregistrationDelaySeconds: 60,
      }],
    });
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/pods.json`, "[]");
    await Deno.writeTextFile(
      `${folder}/prometheus.yaml`,
      "global: { scrape_interval: 1s }\nscrape_configs:\n  - job_name: nlb-registrator\n" +
        "    file_sd_configs: [{ files: [pods.json], refresh_interval: 1s }]\n",
    );
    const port = freePort();
    const prometheus = new Deno.Command("prometheus", {
      args: [
        ...[`--config.file=${folder}/prometheus.yaml`, `--storage.tsdb.path=${folder}/data`],
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      ...{ stdout: "null", stderr: "piped" },
    }).spawn();
    await new PrintedLines(prometheus.stderr).line(/Server is ready/);
    return new Scene(emulator, folder, prometheus, `http://127.0.0.1:${port}`);
  }

  /** Starts a pod, and lets Prometheus know. */
  async startPod(...args: readonly string[]): Promise<Pod> {
    const address = `127.30.0.${++this.#named}`;
    const application = Deno.listen({ hostname: address, port: PORT });
    (async () => {
      for await (const client of application) {
        client.readable.pipeTo(client.writable).catch(() => {});
      }
    })().catch(() => {});
    const sidecar = new SidecarProcess({
      args: [
        ...[`-target-group-name=${GROUP}`, `-target-id=${address}`, "-listen=127.0.0.1:0"],
        ...["-wait-idle", "-idle-time=1s", "-min-drain-time=6s", ...args],
      ],
      env: this.emulator.environment,
    });
    const [, at] = /listening address=(\S+)/.exec(await sidecar.line(/listening/)) ?? [];
    const pod = { address, sidecar, application, url: `http://${at}` };
    this.pods.push(pod);
    this.#announce();
    return pod;
  }

  /** At once, so that two pods do not write half of each other. */
  #announce(): void {
    const targets = this.pods.map(({ url, address }) => ({
      targets: [url.slice("http://".length)],
      labels: {
        namespace: "shop",
        pod: `edge-${address.split(".").at(-1)}`,
        endpoint: "nlb-registrator",
      },
    }));
    Deno.writeTextFileSync(`${this.#folder}/pods.new`, JSON.stringify(targets));
    Deno.renameSync(`${this.#folder}/pods.new`, `${this.#folder}/pods.json`);
  }

  /** The values of a query, for every second since the start. @throws {Error} It is not a query. */
  async query(expr: string): Promise<Line[]> {
    const text = expr.replaceAll(/\$(?:namespace|pod)/g, ".*").replaceAll("$__rate_interval", "5s");
    const [start, end] = [this.#started, Date.now()].map((time) => `${time / 1_000}`);
    const query = new URLSearchParams({
      query: text,
      start: start ?? "",
      end: end ?? "",
      step: "1",
    });
    const response = await fetch(`${this.#url}/api/v1/query_range?${query}`);
    const { status, error, data } = await response.json();
    if (status !== "success") throw new Error(`${error}: ${text}`);
    const lines: { metric: Record<string, string>; values: [number, string][] }[] = data.result;
    return lines.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([at, value]) => [at - this.#started / 1_000, Number(value)] as const),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { sidecar, application } of this.pods) {
      await sidecar[Symbol.asyncDispose]();
      try {
        application.close();
      } catch {
        // It is closed already.
      }
    }
    this.#prometheus.kill("SIGTERM");
    await this.#prometheus.status;
    await this.emulator[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
