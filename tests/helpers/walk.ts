/** Files of a folder and of those in it. */
export function* walkSync(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* walkSync(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}
