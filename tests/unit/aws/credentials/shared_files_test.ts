import { assertEquals } from "@std/assert";
import { hasCredentialProcess } from "../../../../lib/aws/credentials/shared_files.ts";

async function inFile(text: string, use: (file: string, home: string) => void): Promise<void> {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/.aws`);
  await Deno.writeTextFile(`${home}/.aws/config`, text);
  use(`${home}/.aws/config`, home);
  await Deno.remove(home, { recursive: true });
}

const PROCESS = "[profile a]\ncredential_process = /opt/bin/keys\n";

Deno.test("hasCredentialProcess() finds one in the home folder's files, or in those named", async () => {
  await inFile(PROCESS, (file, home) => {
    assertEquals(hasCredentialProcess({ HOME: home }), true);
    const empty = { AWS_CONFIG_FILE: "", AWS_SHARED_CREDENTIALS_FILE: "" };
    assertEquals(hasCredentialProcess({ HOME: home, ...empty }), true);
    assertEquals(hasCredentialProcess({ AWS_CONFIG_FILE: file }), true);
    assertEquals(hasCredentialProcess({ AWS_SHARED_CREDENTIALS_FILE: file }), true);
    assertEquals(hasCredentialProcess({ HOME: home, AWS_CONFIG_FILE: "/nowhere" }), false);
  });
});

Deno.test("hasCredentialProcess() finds none in a comment, in other keys, in no file", async () => {
  await inFile("# credential_process = a\nregion = credential_process\n", (_file, home) => {
    assertEquals(hasCredentialProcess({ HOME: home }), false);
  });
  assertEquals(hasCredentialProcess({}), false);
});
