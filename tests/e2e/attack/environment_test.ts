/** What the sidecar finds around it, and did not ask for: variables, files, orphans. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { sidecarForm } from "../../../tools/sidecar_command.ts";
import { memoryOf } from "../../process/proc.ts";
import { ends } from "../drain.ts";
import { type Place, Pod } from "../pod.ts";
import { IRSA, POD_IDENTITY, TOKEN_FILES } from "../pod_identity.ts";
import { Scene } from "../scene.ts";
import { type Case, sideBySide } from "../side_by_side.ts";

/** As Kubernetes sets them for Services named nlb-registrator-target and nlb-registrator-listen. */
const FOREIGN = {
  HOST_IP: "some-hostname",
  NLB_REGISTRATOR_TARGET_PORT: "tcp://10.96.0.1:80",
  NLB_REGISTRATOR_TARGET_PORT_80_TCP: "tcp://10.96.0.1:80",
  NLB_REGISTRATOR_TARGET_SERVICE_HOST: "10.96.0.1",
  NLB_REGISTRATOR_LISTEN_SERVICE_PORT: "80",
  NLB_REGISTRATOR_TOKEN: "x",
  // Monitoring injects this into pods. `deno run` obeys it, a compiled program does not.
  ...(sidecarForm().startsWith("/") && { NODE_OPTIONS: "--require=/nowhere.js --inspect" }),
};

const cases: Case[] = [{
  name: "foreign variables change nothing: the sidecar starts, and warns of them",
  run: async () => {
    await using scene = await Scene.start({ env: FOREIGN });
    await scene.sidecar.line(/serving until/);
    const [register] = scene.emulator.calls.filter(({ action }) => action === "RegisterTargets");
    assert(register !== undefined);
    scene.sidecar.signal("SIGTERM");
    await ends(scene);
    const warned = scene.sidecar.log.filter((line) => / WARN .*NLB_REGISTRATOR_/.test(line));
    assert(warned.some((line) => line.includes("NLB_REGISTRATOR_TARGET_PORT")), warned.join("\n"));
    return `${Object.keys(FOREIGN).length} variables, ${warned.length} warnings, exit 0`;
  },
}];

/** Settings by their variables, which name files. */
type FileVariables = (place: Place, file: string) => Readonly<Record<string, string>>;

const READERS: Readonly<Record<string, FileVariables>> = {
  "the web identity token": (place, file) => ({
    ...IRSA(place),
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
  }),
  "the container's token": (place, file) => ({
    ...POD_IDENTITY(place),
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
  }),
  "AWS_CONFIG_FILE": (place, file) => ({ ...IRSA(place), AWS_CONFIG_FILE: file }),
};

/** Makes what stands in a file's place. */
const INSTEAD: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "a pipe": async (path) => {
    assert((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  },
  "an endless device": (path) => Deno.symlink("/dev/zero", path),
  "a gigabyte": async (path) => {
    using file = await Deno.open(path, { write: true, create: true });
    await file.truncate(2 ** 30);
  },
  "a folder": (path) => Deno.mkdir(path),
};

function replaced(what: string, variables: FileVariables, instead: string): Case {
  return {
    name: `${instead} in place of ${what} holds up no stop, and takes no memory`,
    run: async () => {
      const folder = await Deno.makeTempDir();
      const file = `${folder}/file`;
      await INSTEAD[instead]?.(file);
      await using pod = await Pod.start({
        env: (place) => ({
          ...{ AWS_REGION: "eu-west-1", AWS_EC2_METADATA_DISABLED: "true" },
          ...{ AWS_ENDPOINT_URL: place.url, ...variables(place, file) },
        }),
        files: () => TOKEN_FILES,
      });
      await pod.sidecar.line(/next_try_in|serving until/);
      const { peak } = await memoryOf(pod.sidecar.pid);
      const stopped = performance.now();
      pod.sidecar.signal("SIGTERM");
      const { code, log } = await pod.ended();
      const took = performance.now() - stopped;
      assertEquals(code, 0, log);
      assert(took < 5_000, `exit after ${took} ms`);
      assert(peak < 128, `${peak} MB`);
      await Deno.remove(folder, { recursive: true });
      return `exit 0 after ${Math.round(took)} ms, ${Math.round(peak)} MB`;
    },
  };
}

// Run from source, the SDK reads by Node.js's functions.
if (sidecarForm() !== "source") {
  for (const [what, variables] of Object.entries(READERS)) {
    cases.push(...Object.keys(INSTEAD).map((instead) => replaced(what, variables, instead)));
  }
}

/** Starts a command as process 1 of a namespace of its own, with a `/proc` of its own. */
const AS_PROCESS_1 = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"];
const canUnshare = await new Deno.Command("unshare", { args: [...AS_PROCESS_1.slice(1), "true"] })
  .output().then(({ success }) => success, () => false);

if (canUnshare) {
  cases.push({
    name: "as process 1 it reaps what hooks leave in the background",
    run: async () => {
      await using scene = await Scene.start({
        starter: AS_PROCESS_1,
        args: [
          "-pre-register-command=for i in 1 2 3; do sleep 1000 & done",
          "-pre-deregister-command=sleep 1000 & sleep 1000",
          "-pre-deregister-timeout=200ms",
          "-post-deregister-command=echo zombies: $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)",
          ...["-require-in-service", "-wait-in-service-timeout=1ms"],
        ],
        group: { health: { check: "assumed", after: 0, healthy: false } },
      });
      await ends(scene, 4);
      const log = scene.sidecar.log.join("\n");
      const zombies = log.match(/zombies: \d/g)?.at(-1) ?? "";
      assertMatch(zombies, /: 0$/);
      assert(!log.includes("WARN  as process 1"), log);
      return zombies;
    },
  });
}

sideBySide(cases);
