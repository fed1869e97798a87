/** libxml2's own judgement of a document, by the schema of WebDAV-Push. */
const SCHEMA = new URL("../fixtures/webdav-push/webdav-push.rng", import.meta.url).pathname;

/** Throws where there is none. */
export async function findXmllint(): Promise<string> {
  await Deno.stat("/usr/bin/xmllint");
  return "/usr/bin/xmllint";
}

/** Answers what is wrong; empty when the document's root is `definition` as the schema has it. */
export async function faultsOf(xmllint: string, text: string, definition: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const schema = (await Deno.readTextFile(SCHEMA)).replace(
      /<\/grammar>\s*$/,
      `<start><ref name="${definition}"/></start></grammar>`,
    );
    await Deno.writeTextFile(`${folder}/schema.rng`, schema);
    await Deno.writeTextFile(`${folder}/document.xml`, text);
    const args = ["--noout", "--nonet", "--relaxng", `${folder}/schema.rng`, `${folder}/document.xml`];
    const { success, stderr } = await new Deno.Command(xmllint, { args }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
