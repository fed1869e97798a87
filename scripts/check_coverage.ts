/** Checks that the last run of the tests covered at least 90 % of the lines of src/. */
const FLOOR = 90;

const [folder = "coverage"] = Deno.args;
const lcov = await new Deno.Command(Deno.execPath(), {
  args: ["coverage", folder, "--lcov", "--include=/src/"],
  stderr: "null",
}).output();
if (!lcov.success) {
  console.error(`coverage: there is none in ${folder}: run the tests first`);
  Deno.exit(1);
}

const files = new TextDecoder().decode(lcov.stdout).split("end_of_record").filter((record) => record.includes("SF:"))
  .map((record) => {
    const value = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(record)?.[1] ?? "0";
    return { file: value("SF").replace(/^.*\/src\//, "src/"), found: Number(value("LF")), hit: Number(value("LH")) };
  });
const found = files.reduce((sum, file) => sum + file.found, 0);
const hit = files.reduce((sum, file) => sum + file.hit, 0);
const percent = found === 0 ? 0 : 100 * hit / found;

for (const { file, found, hit } of files) {
  if (hit < found * FLOOR / 100) console.log(`  ${file}: ${(100 * hit / found).toFixed(0)} %`);
}
console.log(`coverage: ${percent.toFixed(1)} % of ${found} lines, at least ${FLOOR} %`);
Deno.exit(percent >= FLOOR ? 0 : 1);
