/** vdirsyncer keeps folders and collections alike: here two folders, of a phone and a laptop, by way of one server. */
import { findPython } from "../../lib/python_install.ts";
import { printEvent } from "../../lib/calendar.ts";
import { createNormaliser } from "../compare.ts";
import type { ClientKind, Place, Step } from "../kinds.ts";
import { runProgram } from "../programs.ts";
import { printCard } from "./documents.ts";

const VERSION = "0.21.0";

/** What differs between calendars and address books. */
const SORTS = [
  { sort: "caldav", collection: "vd-work", suffix: ".ics", print: printEvent, shown: /^SUMMARY:.*/m },
  { sort: "carddav", collection: "vd-people", suffix: ".vcf", print: printCard, shown: /^FN:.*/m },
];

type Sort = typeof SORTS[number];
type Device = { pair: string; files: string };

export const vdirsyncer: ClientKind = {
  name: "vdirsyncer",
  needsCollections: true,
  find: async () => {
    await findPython("vdirsyncer", VERSION);
    return VERSION;
  },
  run: async (place, folder) => {
    const steps: Step[] = [], normalise = createNormaliser(place);
    await Deno.writeTextFile(`${folder}/config`, printConfig(place, folder));
    for (const sort of SORTS) {
      await spendDay(sort, folder, async (name, device, args) => {
        const { code, lines } = await runVdirsyncer(folder, args);
        const seen = [...lines, ...await listFolder(device.files, sort)];
        steps.push({
          name: `${sort.sort}: ${name}`,
          outcome: code === 0 ? "passed" : "failed",
          lines: seen.map(normalise),
        });
      });
    }
    return steps;
  },
};

type Act = (name: string, device: Device, args: string[]) => Promise<void>;

async function spendDay({ sort, collection, suffix, print }: Sort, folder: string, act: Act): Promise<void> {
  const deviceOf = (name: string) => ({ pair: `${sort}_${name}`, files: `${folder}/${sort}_${name}/${collection}` });
  const [phone, laptop] = [deviceOf("phone"), deviceOf("laptop")];
  const write = async ({ files }: Device, uid: string, name: string) => {
    await Deno.mkdir(files, { recursive: true });
    await Deno.writeTextFile(`${files}/${uid}${suffix}`, print(uid, name));
  };
  const sync = (name: string, device: Device) => act(name, device, ["sync", device.pair]);

  await act("phone discovers and creates", phone, ["discover", phone.pair]);
  for (const uid of ["1", "2", "3"]) await write(phone, uid, `Of the phone ${uid}`);
  await sync("phone sends three", phone);
  await act("laptop discovers", laptop, ["discover", laptop.pair]);
  await sync("laptop gets three", laptop);
  await write(laptop, "1", "Of the laptop");
  await Deno.remove(`${laptop.files}/2${suffix}`).catch(() => {});
  await sync("laptop sends a change and a deletion", laptop);
  await sync("phone gets them", phone);
  await write(phone, "3", "Of both by phone");
  await sync("phone sends a change", phone);
  await write(laptop, "3", "Of both by laptop");
  await sync("laptop's change of the same wins", laptop);
  await sync("phone gets it", phone);
  await Deno.writeTextFile(`${phone.files}/displayname`, "Named").catch(() => {});
  await act("phone sends a name", phone, ["metasync", phone.pair]);
  await act("laptop gets the name", laptop, ["metasync", laptop.pair]);
  await sync("nothing is left to do", phone);
}

/** Its questions, whether to create what is missing, are answered with yes. */
async function runVdirsyncer(folder: string, args: string[]): Promise<{ code: number; lines: string[] }> {
  const python = await findPython("vdirsyncer", VERSION);
  const command = `yes | "$0" -m vdirsyncer -c config "$@"`;
  const { code, out, err } = await runProgram("sh", ["-c", command, python, ...args], { cwd: folder });
  const lines = (out + err).replaceAll(folder, "").split("\n").map((line) => line.trim()).filter(Boolean);
  return { code, lines };
}

async function listFolder(files: string, { shown }: Sort): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(files)).then((entries) => entries.map(({ name }) => name), () => []);
  return await Promise.all(
    names.filter((name) => !name.startsWith(".")).sort().map(async (name) => {
      const text = await Deno.readTextFile(`${files}/${name}`);
      return `${name}: ${(shown.exec(text)?.[0] ?? text).trim()}`;
    }),
  );
}

function printConfig({ origin, root, user, password }: Place, folder: string): string {
  const pairs = SORTS.flatMap(({ sort, collection, suffix }) =>
    ["phone", "laptop"].map((device) => {
      const name = `${sort}_${device}`;
      return `[pair ${name}]
a = "${name}_files"
b = "${name}_server"
collections = ["${collection}"]
metadata = ["displayname"]
conflict_resolution = "a wins"
[storage ${name}_files]
type = "filesystem"
path = "${folder}/${name}"
fileext = "${suffix}"
[storage ${name}_server]
type = "${sort}"
url = "${origin}${root}"
username = "${user}"
password = "${password}"
`;
    })
  );
  return [`[general]\nstatus_path = "${folder}/status"\n`, ...pairs].join("\n");
}
